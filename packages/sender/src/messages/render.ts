import {
  type IServiceScope,
  isEventTypePattern,
  type KnownEventPattern,
  matchesEventType,
  type SyncEvent,
  type WhereActionsAre,
} from '@x/events-core'
import { refuseUnless } from '../invalid-option.ts'

/** What surrounds one rendering. */
export interface RenderContext {
  /** `File.Download` */
  readonly eventType: string
  /** The version to render in, one of `payloadVersions`; absent where there are none. */
  readonly payloadVersion?: string
  /** Aborted when it takes too long, or the host stops: pass it on to what waits. */
  readonly signal: AbortSignal
  /** Services of this rendering alone, disposed after it; present when the engine was given a factory. */
  readonly scope?: IServiceScope
}

/**
 * Makes what stands as `data.entity` in the webhook about an event: anything JSON can hold. `undefined` leaves what the
 * event carries itself.
 */
export type Render = (event: SyncEvent, context: RenderContext) => unknown

/** One for all event types, or several by event type or pattern: the one that says most of a type renders it. */
export type RenderOption =
  | Render
  | WhereActionsAre<Readonly<Record<string, Render>>, Readonly<Partial<Record<KnownEventPattern, Render>>>>

/** Finds what renders a type; undefined where its events go out as they are. */
export type RenderOf = (eventType: string) => Render | undefined

/** @throws WebhookSenderError `invalid_option` */
export function readRender(option: RenderOption | undefined): RenderOf | undefined {
  if (option === undefined) return undefined
  if (typeof option === 'function') return () => option
  const isObject = typeof option === 'object' && option !== null
  refuseUnless(isObject, 'render', 'a function, or functions by event type or pattern', option)
  for (const [pattern, render] of Object.entries(option)) {
    refuseUnless(
      isEventTypePattern(pattern),
      'render',
      "by event types or patterns such as 'File.*'",
      pattern,
    )
    refuseUnless(typeof render === 'function', `render['${pattern}']`, 'a function', render)
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
