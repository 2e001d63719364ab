import type { Clock } from '@x/events-core'
import type { WatchedDatabase } from './connections/watched-database.ts'
import { EventEngineError } from './errors.ts'
import type { FeedSource } from './feed/feed.ts'
import type { RaiseCheck } from './raise/sync-manager.ts'
import type { LogContext } from './store/context.ts'
import type { EventStore } from './store/event-store.ts'
import { createHandledLog, type HandledLog } from './store/handled.ts'
import { createLogReader, type LogReader } from './store/search-log.ts'
import type { WakeTopics } from './wake/wake-topics.ts'

/** The property of an engine that holds its internals. */
export const INTERNALS: unique symbol = Symbol('internals')

/** An engine that {@link internalsOf} can open. */
export interface HasInternals {
  /** For packages that build on the engine, by `@x/events-engine/internal`. */
  readonly [INTERNALS]: EngineInternals
}

/** What packages that build on an engine use of it, as the webhook sender does. */
export interface EngineInternals {
  /** The host's database, in which every wait ends. */
  readonly database: WatchedDatabase
  /** The feed, for servers that pass it on to many clients. */
  readonly feed: FeedSource
  /**
   * Looks for new events at once. Call it after a transaction that the engine did not run: without, the events are
   * found by the next poll.
   */
  lookSoon(): void
  /**
   * Runs a check on each event before it is written, in this process. An error that it throws refuses the event. Events
   * raised by database triggers are not checked.
   *
   * @returns a function that removes the check.
   */
  checkRaises(check: RaiseCheck): () => void
  /**
   * Publishes a topic to the other nodes: PostgreSQL with `options.postgres` only. Many calls within a few milliseconds
   * are one notification. It is a hint, which may be lost.
   */
  publish(topic: string): void
  /**
   * Calls a function when another node publishes the topic. Notifications are lost while no connection listens, so it
   * is also called now and each time that listening begins. A topic has one listener.
   *
   * @returns a function that removes the listener.
   */
  onMessage(topic: string, listener: () => void): () => void
  /**
   * Stores a durable subscription at the end of the log before any node runs it, so that no event raised from now on is
   * missed. Does nothing where it is stored already.
   */
  reserveSubscription(name: string): Promise<void>
  /** Whether the log has committed events after the position of a durable subscription, whatever its filter. */
  hasUnreadEvents(name: string): Promise<boolean>
  /**
   * Has the log keep events for a durable subscription, whatever their age, unless the subscription is abandoned: from the
   * given sequence on, and in any case those of the last hour, which may be needed yet. Undefined: only the latter.
   */
  holdEvents(name: string, sequence: number | undefined): Promise<void>
  /** Reads the log again, up to the position of a durable subscription. */
  handledLog(subscription: string): HandledLog
  /** Looks for events of a tenant. */
  readonly log: LogReader
}

/** What {@link createInternals} works with. */
export interface InternalsParts extends Omit<LogContext, 'db'> {
  readonly database: WatchedDatabase
  readonly store: EventStore
  readonly clock: Clock
  readonly feed: FeedSource
  readonly topics: WakeTopics
  readonly checks: Set<RaiseCheck>
  lookSoon(): void
}

const NEWEST_MS = 60 * 60 * 1_000

/** Creates the internals of an engine. */
export function createInternals(parts: InternalsParts): EngineInternals {
  const { database, sql, names, store, clock, feed, topics, checks, lookSoon } = parts
  const log = { db: database.db, sql, names }
  return {
    database,
    feed,
    lookSoon,
    publish: topics.publish,
    onMessage: topics.onMessage,
    checkRaises(check) {
      checks.add(check)
      return () => void checks.delete(check)
    },
    async reserveSubscription(name) {
      await store.createSubscription(name, await store.endPosition())
    },
    async hasUnreadEvents(name) {
      const stored = (await store.listSubscriptions()).find((subscription) => subscription.name === name)
      if (!stored) return false
      const { events } = await store.readAfter(stored.position, 1)
      return events.length > 0
    },
    async holdEvents(name, sequence = Number.POSITIVE_INFINITY) {
      const range = await createHandledLog(log, name).rangeSince(clock.now() - NEWEST_MS)
      if (range) await store.hold(name, Math.min(sequence, range.after + 1))
    },
    handledLog: (subscription) => createHandledLog(log, subscription),
    log: createLogReader(log),
  }
}

/**
 * Opens the internals of an engine.
 *
 * @throws EventEngineError `invalid_argument` for an object that was not created by this copy of the package.
 */
export function internalsOf(engine: HasInternals): EngineInternals {
  const found: EngineInternals | undefined = engine[INTERNALS]
  if (found) return found
  throw new EventEngineError(
    'invalid_argument',
    'The engine was not created by this copy of @x/events-engine; install one version of it for all packages.',
  )
}
