import type { JsonValue, SyncEvent, WebhookPayload } from '@x/events-core'
import { type EventEngine, EventEngineError } from '@x/events-engine'
import { internalsOf } from '@x/events-engine/internal'
import type { EndpointFilterRow } from '../endpoints/fields.ts'
import { isBuiltIn } from '../event-types/built-in-event-types.ts'
import type { EventCatalog } from '../event-types/event-catalog.ts'
import type { ContentMatcher } from '../fan-out/content-matcher.ts'
import { type Message, messageOf, type PayloadFormat, payloadOf } from './message.ts'
import {
  createRenderings,
  type PayloadVersions,
  type Render,
  type Renderings,
  type RenderOf,
  type RenderSettings,
  type RenderTask,
} from './render.ts'
import { createRaiseCheck, refuseMisfits, type Validation } from './validation.ts'

/** Settings of all messages. */
export interface MessageSettings {
  readonly payloadVersions: PayloadVersions
  readonly cloudEventSource: string | undefined
  readonly maxBodyBytes: number
}

/** What {@link createComposer} needs. */
export interface ComposerParts {
  readonly settings: MessageSettings
  readonly catalog: Pick<EventCatalog, 'misfitsOf'>
  readonly contents: ContentMatcher
  /** Whether payloads that do not match the catalog's schema are refused. */
  readonly validates: boolean
  /** Undefined where nothing is rendered. */
  readonly renderOf: RenderOf | undefined
  readonly renderings: Pick<Renderings, 'has' | 'get'>
}

/** A message in one variant, and the endpoints that receive it. */
export interface ComposedMessage extends Message {
  /** The name of the variant; null for the standard one. An event has one message of each variant. */
  readonly variant: string | null
  readonly endpoints: readonly EndpointFilterRow[]
}

/** Composes messages from events. */
export interface Composer {
  /** The renderings that are needed before an event can be composed for these endpoints. */
  tasks(event: SyncEvent, eventType: string, endpoints: readonly EndpointFilterRow[]): RenderTask[]
  /**
   * Leaves out endpoints whose content filters do not let the message through, and messages that none is left for.
   *
   * @throws WebhookSenderError `message_too_large`, `invalid_payload`
   * @throws EventEngineError `preparation_outdated` when something is wanted that was not rendered.
   */
  compose(event: SyncEvent, eventType: string, endpoints: readonly EndpointFilterRow[]): ComposedMessage[]
}

/** Creates the composer of a sender. */
function createComposer(parts: ComposerParts): Composer {
  const { settings, catalog, contents, validates, renderOf, renderings } = parts
  const { payloadVersions } = settings

  function renderFor(event: SyncEvent, eventType: string): Render | undefined {
    return renderOf && !isBuiltIn(event) ? renderOf(eventType) : undefined
  }

  function entityOf(
    event: SyncEvent,
    version: string | null,
    render: Render | undefined,
  ): JsonValue | undefined {
    if (!render) return event.data
    if (!renderings.has(event.id, version)) {
      throw new EventEngineError(
        'preparation_outdated',
        `A new endpoint needs ${event.id} in a version that was not rendered.`,
      )
    }
    const rendered = renderings.get(event.id, version)
    return rendered === undefined ? event.data : rendered
  }

  function messageIn(
    event: SyncEvent,
    eventType: string,
    render: Render | undefined,
    { version, format }: { readonly version: string | null; readonly format: PayloadFormat },
  ): Message {
    const entity = entityOf(event, version, render)
    return messageOf({ ...settings, event, eventType, entity, format })
  }

  /** Those whose filters let through what they would get. */
  function wanting(
    event: SyncEvent,
    eventType: string,
    endpoints: readonly EndpointFilterRow[],
    render: Render | undefined,
  ): readonly EndpointFilterRow[] {
    if (endpoints.every(({ filter }) => filter === null)) return endpoints
    const payloads = new Map<string | null, WebhookPayload>()
    const payloadIn = (version: string | null): WebhookPayload => {
      const known = payloads.get(version)
      if (known) return known
      const payload = payloadOf({ event, eventType, entity: entityOf(event, version, render) })
      payloads.set(version, payload)
      return payload
    }
    return endpoints.filter((endpoint) => {
      if (endpoint.filter === null) return true
      const version = render ? payloadVersions.of(endpoint.payloadVersion) : null
      return contents.matches(endpoint, event.id, payloadIn(version))
    })
  }

  /** Compares an event with its schema once in each version, however many formats are composed. */
  function validate(
    event: SyncEvent,
    eventType: string,
    versions: Iterable<string | null>,
    render: Render | undefined,
  ): void {
    if (!validates) return
    for (const version of new Set(versions)) {
      const misfits = catalog.misfitsOf(eventType, version, entityOf(event, version, render))
      refuseMisfits(`What the webhook about event ${event.id} carries`, misfits)
    }
  }

  return {
    tasks(event, eventType, endpoints) {
      const render = endpoints.length === 0 ? undefined : renderFor(event, eventType)
      if (!render) return []
      const versions = new Set(endpoints.map(({ payloadVersion }) => payloadVersions.of(payloadVersion)))
      return [...versions].map((payloadVersion) => ({ event, eventType, payloadVersion, render }))
    },
    compose(event, eventType, matched) {
      const render = renderFor(event, eventType)
      const endpoints = wanting(event, eventType, matched, render)
      if (endpoints.length === 0) return []
      if (!render && endpoints.every(({ format }) => format === 'standard')) {
        validate(event, eventType, [null], undefined)
        const message = messageIn(event, eventType, undefined, { version: null, format: 'standard' })
        return [{ ...message, variant: null, endpoints }]
      }
      // Where nothing is rendered, all versions are the same.
      const versionOf = (one: EndpointFilterRow) => (render ? payloadVersions.of(one.payloadVersion) : null)
      validate(event, eventType, endpoints.map(versionOf), render)
      const byVariant = Map.groupBy(endpoints, (one) => variantOf(versionOf(one), one.format))
      return [...byVariant].map(([variant, group]) => {
        const first = group[0] as EndpointFilterRow
        const form = { version: versionOf(first), format: first.format }
        return { ...messageIn(event, eventType, render, form), variant, endpoints: group }
      })
    },
  }
}

/** The variants that an endpoint receives, rendered or not. */
export function acceptedVariants(
  { format, payloadVersion }: Pick<EndpointFilterRow, 'format' | 'payloadVersion'>,
  payloadVersions: PayloadVersions,
): readonly (string | null)[] {
  return [variantOf(null, format), variantOf(payloadVersions.of(payloadVersion), format)]
}

/** The name of a variant, as it is stored. */
function variantOf(version: string | null, format: PayloadFormat): string | null {
  if (version === null) return format === 'standard' ? null : format
  return `${format}:${version}`
}

/** The composition of one fan-out's messages. */
export interface Messages {
  readonly composer: Composer
  /** Undefined where nothing is rendered. */
  readonly renderings: Renderings | undefined
}

/**
 * Prepares the composition of messages. With `validate: 'refuse'`, the engine refuses events that could never be sent.
 *
 * @returns a factory: each fan-out has renderings of its own, since one must not drop what another has rendered.
 */
export function createMessageMakers<DB>(
  engine: EventEngine<DB>,
  settings: MessageSettings &
    Omit<RenderSettings, 'services'> & {
      readonly validate: Validation
      readonly contents: ContentMatcher
      readonly renderOf: RenderOf | undefined
    },
  catalog: EventCatalog,
): () => Messages {
  const { validate, renderOf, contents } = settings
  if (validate === 'refuse') internalsOf(engine).checkRaises(createRaiseCheck(catalog, renderOf))
  return () => {
    const renderings = createRenderings({ ...settings, services: engine.services })
    const composer = createComposer({
      settings,
      catalog,
      contents,
      validates: validate !== 'off',
      renderOf,
      renderings,
    })
    return { composer, renderings: renderOf && renderings }
  }
}

/** Identifies a message among those that are stored together. */
export function messageName(eventId: string, variant: string | null): string {
  return variant === null ? eventId : `${eventId} ${variant}`
}
