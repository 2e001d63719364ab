import {
  type IServiceScope,
  type IServiceScopeFactory,
  isEventTypePattern,
  isListOf,
  isPlainObject,
  type JsonValue,
  type KnownEventPattern,
  matchesEventType,
  type SyncEvent,
  type WhereActionsAre,
} from '@x/events-core'
import { thrownMessage } from '@x/events-engine/internal'
import { assertOption, WebhookSenderError } from '../errors.ts'

/** What surrounds one rendering. */
export interface RenderContext {
  /** `File.Download` */
  readonly eventType: string
  /** The version to render in, one of `payloadVersions`; absent where there are none. */
  readonly payloadVersion?: string
  /** Aborted when it takes too long, or the host stops. Pass it to every call that waits. */
  readonly signal: AbortSignal
  /** Services of this rendering alone, disposed after it; present when the engine was given a factory. */
  readonly scope?: IServiceScope
}

/**
 * Renders `data.entity` of the webhook about an event: anything that JSON can hold. `undefined` keeps the event's own
 * data.
 */
export type Render = (event: SyncEvent, context: RenderContext) => unknown

/** One function for all event types, or several by event type or pattern: the most specific one renders a type. */
export type RenderOption =
  | Render
  | WhereActionsAre<Readonly<Record<string, Render>>, Readonly<Partial<Record<KnownEventPattern, Render>>>>

/** Finds the function that renders a type; undefined where its events are not rendered. */
export type RenderOf = (eventType: string) => Render | undefined

/** @throws WebhookSenderError `invalid_option` */
export function readRender(option: RenderOption | undefined): RenderOf | undefined {
  if (option === undefined) return undefined
  if (typeof option === 'function') return () => option
  assertOption(isPlainObject(option), 'render', 'a function, or functions by event type or pattern', option)
  for (const [pattern, render] of Object.entries(option)) {
    assertOption(
      isEventTypePattern(pattern),
      'render',
      "by event types or patterns such as 'File.*'",
      pattern,
    )
    assertOption(typeof render === 'function', `render['${pattern}']`, 'a function', render)
  }
  const byWeight = Object.entries(option).sort(([a], [b]) => weightOf(a) - weightOf(b))
  return (eventType) => byWeight.find(([pattern]) => matchesEventType(pattern, eventType))?.[1]
}

/** `File.Download` before `File.*`, that before `*.Download`, and `*` last. */
function weightOf(pattern: string): number {
  if (!pattern.includes('*')) return 0
  if (pattern === '*' || pattern === '*.*') return 3
  return pattern.endsWith('.*') ? 1 : 2
}

/** One event to be rendered, in one version. */
export interface RenderTask {
  readonly event: SyncEvent
  readonly eventType: string
  readonly payloadVersion: string | null
  readonly render: Render
}

/** Settings of all renderings. */
export interface RenderSettings {
  readonly services: IServiceScopeFactory | undefined
  readonly renderTimeoutMs: number
}

/**
 * Renders one event in a service scope of its own. A rendering that ignores its signal is abandoned.
 *
 * @returns a copy, free of what JSON leaves out.
 * @throws WebhookSenderError `render_failed`, with what was thrown as its cause.
 */
async function renderEntity(
  task: RenderTask,
  { services, renderTimeoutMs }: RenderSettings,
  stopSignal: AbortSignal,
): Promise<JsonValue | undefined> {
  const timeout = new AbortController()
  const { promise: givenUp, reject: giveUp } = Promise.withResolvers<never>()
  givenUp.catch(() => {})
  const timer = setTimeout(() => {
    const error = new Error(`It did not finish within the ${renderTimeoutMs} ms of options.renderTimeoutMs.`)
    timeout.abort(error)
    giveUp(error)
  }, renderTimeoutMs)
  const rendering = renderInScope(task, services, AbortSignal.any([stopSignal, timeout.signal]))
  // An abandoned rendering may still throw.
  rendering.catch(() => {})
  try {
    return copyOf(await Promise.race([rendering, givenUp]))
  } catch (cause) {
    throw renderFailed(task, cause)
  } finally {
    clearTimeout(timer)
  }
}

async function renderInScope(
  { event, eventType, payloadVersion, render }: RenderTask,
  services: IServiceScopeFactory | undefined,
  signal: AbortSignal,
): Promise<unknown> {
  const context: RenderContext = {
    eventType,
    signal,
    ...(payloadVersion === null ? {} : { payloadVersion }),
  }
  if (!services) return render(event, context)
  await using scope = services.createScope()
  return await render(event, { ...context, scope })
}

function copyOf(rendered: unknown): JsonValue | undefined {
  if (rendered === undefined) return undefined
  const text = JSON.stringify(rendered) as string | undefined
  if (text === undefined) throw new TypeError(`It gave a ${typeof rendered}, which JSON cannot hold.`)
  return JSON.parse(text) as JsonValue
}

function renderFailed({ event, eventType, payloadVersion }: RenderTask, cause: unknown): WebhookSenderError {
  const version = payloadVersion === null ? '' : ` in version ${payloadVersion}`
  return new WebhookSenderError(
    'render_failed',
    `options.render has failed for ${eventType} (${event.id})${version}: ${thrownMessage(cause)}`,
    { cause },
  )
}

/** What was rendered and is not stored yet. */
export interface Renderings {
  /** Renders what is missing. Where one fails, the results of the others are kept for the next try. */
  render(tasks: readonly RenderTask[], signal: AbortSignal): Promise<void>
  has(eventId: string, payloadVersion: string | null): boolean
  get(eventId: string, payloadVersion: string | null): JsonValue | undefined
  /** They are in a transaction now; should that fail, they are rendered again. */
  forget(events: Iterable<SyncEvent>): void
}

const AT_ONCE = 8
/** Of events that fail for another reason something may stay behind: not for ever. */
const MAX_KEPT = 1_000

/** Creates a place for renderings. */
export function createRenderings(settings: RenderSettings): Renderings {
  const kept = new Map<string, Map<string | null, JsonValue | undefined>>()

  function keep({ event, payloadVersion }: RenderTask, rendered: JsonValue | undefined): void {
    const ofEvent = kept.get(event.id) ?? new Map<string | null, JsonValue | undefined>()
    kept.set(event.id, ofEvent.set(payloadVersion, rendered))
  }

  const has = (eventId: string, payloadVersion: string | null) =>
    kept.get(eventId)?.has(payloadVersion) ?? false

  return {
    async render(tasks, signal) {
      if (kept.size > MAX_KEPT) kept.clear()
      const waiting = tasks.filter(({ event, payloadVersion }) => !has(event.id, payloadVersion)).values()
      let failed = false

      async function work(): Promise<void> {
        for (const task of waiting) {
          if (failed) return
          try {
            keep(task, await renderEntity(task, settings, signal))
          } catch (error) {
            failed = true
            throw error
          }
        }
      }

      const workers = await Promise.allSettled(Array.from({ length: AT_ONCE }, work))
      const rejected = workers.find(({ status }) => status === 'rejected')
      if (rejected) throw (rejected as PromiseRejectedResult).reason
    },
    has,
    get: (eventId, payloadVersion) => kept.get(eventId)?.get(payloadVersion),
    forget(events) {
      for (const { id } of events) kept.delete(id)
    },
  }
}

/** The versions that payloads are rendered in. */
export interface PayloadVersions {
  /** The oldest first; empty where there are no versions. */
  readonly names: readonly string[]
  /** The version of a new endpoint that names none; null where there are no versions. */
  readonly initial: string | null
  /** The version that an endpoint receives: its own, or the oldest where that is null or no longer listed. */
  of(stored: string | null): string | null
}

const NAME = /^[A-Za-z0-9][\w.-]{0,49}$/
const MAX_VERSIONS = 50

/** @throws WebhookSenderError `invalid_option` */
export function readPayloadVersions(
  names: readonly string[] = [],
  initial: string | undefined = Array.isArray(names) ? names.at(-1) : undefined,
): PayloadVersions {
  const areNames =
    isListOf(names, (name) => typeof name === 'string' && NAME.test(name)) &&
    names.length <= MAX_VERSIONS &&
    new Set(names).size === names.length
  assertOption(
    areNames,
    'payloadVersions',
    `a list of at most ${MAX_VERSIONS} different names of letters, digits and _.-, the oldest first`,
    names,
  )
  assertOption(
    initial === undefined || names.includes(initial),
    'defaultPayloadVersion',
    'one of options.payloadVersions',
    initial,
  )
  return Object.freeze({
    names: Object.freeze([...names]),
    initial: initial ?? null,
    of: (stored: string | null) => (stored !== null && names.includes(stored) ? stored : (names[0] ?? null)),
  })
}
