import type { IServiceScopeFactory, JsonValue, SyncEvent } from '@x/events-core'
import { thrownMessage } from '@x/events-engine/support'
import { WebhookSenderError } from '../errors.ts'
import type { Render, RenderContext } from './render.ts'

/** One event to be rendered, in one version. */
export interface RenderTask {
  readonly event: SyncEvent
  readonly eventType: string
  readonly payloadVersion: string | null
  readonly render: Render
}

/** What surrounds renderings. */
export interface RenderSettings {
  readonly services: IServiceScopeFactory | undefined
  readonly renderTimeoutMs: number
}

/**
 * Renders one event: in a service scope of its own, and for so long. One that ignores its signal is given up.
 *
 * @returns a copy, free of what JSON leaves out.
 * @throws WebhookSenderError `render_failed`, with what was thrown as its cause.
 */
export async function renderEntity(
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
  // Once given up, what it still throws has nobody left to hear it.
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
