import { type Clock, type Logger, systemClock } from '@x/events-core'
import { closeSocket, type PostgresClient, type PostgresPool } from '../connections/postgres-pool.ts'
import { runStatement, type SqlExecutor } from '../sql/database.ts'

/** Notifies other nodes of commits. */
export interface Notifier {
  start(): void
  stop(): Promise<void>
  /**
   * Notifies the other nodes after a commit. Many calls make one notification.
   *
   * @param topic - of a package that builds on the engine; none for events.
   */
  notify(topic?: string): void
  /** Gives the listening connection back to the pool for a while, because no other is free. */
  makeRoom(): void
}

/** What {@link createPostgresNotifier} works with. */
export interface PostgresNotifierParts {
  /** Undefined where the node does not listen. */
  readonly pool: PostgresPool | undefined
  /** Sends notifications, which does not need a connection of its own. */
  readonly db: SqlExecutor
  readonly channel: string
  readonly nodeId: string
  readonly clock: Clock
  readonly logger: Logger
  /** Called with the topic of another node's notification; '' for events. */
  onMessage(topic: string): void
  /** Called when listening begins: notifications of any topic may have been lost before. */
  onListening(): void
}

const COALESCE_MS = 5
const RECONNECT_MS = 1_000
const MUCH_LATER_MS = 60_000
/** A connection that only listens would not notice that it has fallen silent. */
const CHECK_EVERY_MS = 5_000
const ANSWER_WITHIN_MS = 3_000
/** The topic that a node sends to itself when it begins to listen. */
const ECHO = 'echo'

/**
 * One LISTEN connection, and at most one NOTIFY in a few milliseconds, sent after the commit:
 * inside of a transaction it would make all commits of the database wait for each other. It is a hint only: a node that
 * misses it finds the events by polling.
 */
export function createPostgresNotifier(parts: PostgresNotifierParts): Notifier {
  const { pool, db, channel, nodeId, clock, logger, onMessage, onListening } = parts
  let running = false
  let client: PostgresClient | undefined
  let connecting: Promise<void> = Promise.resolve()
  let cancelTimer = () => {}
  let echoed = () => {}
  const hasWarned = new Set<string>()
  /** Topics that are not sent yet. */
  const waiting = new Set<string>()
  let scheduled = false
  let sending: Promise<void> = Promise.resolve()

  async function connect(from: PostgresPool): Promise<void> {
    let connected: PostgresClient | undefined
    try {
      const given = from.connect()
      connected = await answered(given).catch((error: unknown) => {
        given.then((late) => late.release()).catch(() => {})
        throw error
      })
      if (!running) return connected.release()
      const mine = connected
      const lost = () => reconnectLater(mine, RECONNECT_MS)
      connected.on('error', lost)
      connected.on('end', lost)
      connected.on('notification', ({ payload = '' }) => {
        const [node, topic = ''] = payload.split(' ')
        if (node !== nodeId) onMessage(topic)
        else if (topic === ECHO) echoed()
      })
      client = connected
      await answered(connected.query(`listen ${channel}`))
      const isHeard = await hearsItself()
      // It has made room meanwhile, or was lost.
      if (mine !== client) return
      if (!isHeard) return stopHearing(mine)
      onListening()
      checkLater(mine)
    } catch (error) {
      if (connected !== client) return
      logger.warn(
        { err: error, nodeId },
        'No connection to listen for other nodes; polling until there is one',
      )
      reconnectLater(connected, RECONNECT_MS)
    }
  }

  /** Over another connection: a pooler may give both clients one connection, whose notifications reach the wrong client. */
  async function hearsItself(): Promise<boolean> {
    const echo = new Promise<void>((resolve) => {
      echoed = resolve
    })
    await notifyOf([`${nodeId} ${ECHO}`])
    return answered(echo).then(
      () => true,
      () => false,
    )
  }

  function stopHearing(deaf: PostgresClient): void {
    warnOnce(
      'listen_unavailable',
      'Notifications do not arrive, most likely because of a pooler in transaction mode; other nodes are found by polling',
      'Give postgres.listen a pool of direct connections, or false.',
    )
    reconnectLater(deaf, MUCH_LATER_MS)
  }

  function warnOnce(event: string, message: string, remedy: string): void {
    if (hasWarned.has(event)) return
    hasWarned.add(event)
    logger.warn({ nodeId, component: 'database', event, remedy }, message)
  }

  function checkLater(mine: PostgresClient): void {
    cancelTimer = systemClock.schedule(() => {
      answered(mine.query('select 1')).then(
        () => {
          if (running && mine === client) checkLater(mine)
        },
        (error: unknown) => {
          if (mine !== client) return
          logger.warn(
            { err: error, nodeId, component: 'database', event: 'silent_connection' },
            'The connection that listens for other nodes stopped answering; it is closed and opened anew',
          )
          reconnectLater(mine, 0)
        },
      )
    }, CHECK_EVERY_MS)
  }

  /** Rejects where the response comes too late. */
  function answered<TResult>(answer: Promise<TResult>): Promise<TResult> {
    const { promise, resolve, reject } = Promise.withResolvers<TResult>()
    answer.then(resolve, reject)
    const cancel = systemClock.schedule(
      () => reject(new Error(`There was no answer within ${ANSWER_WITHIN_MS} ms.`)),
      ANSWER_WITHIN_MS,
    )
    return promise.finally(cancel)
  }

  /** Destroyed, not handed back: it would go on listening for the next user of the pool. */
  function close(one: PostgresClient): void {
    closeSocket(one)
    one.release(true)
  }

  function reconnectLater(lost: PostgresClient | undefined, delayMs: number): void {
    if (lost !== client) return
    client = undefined
    if (lost) close(lost)
    cancelTimer()
    if (running) cancelTimer = systemClock.schedule(listen, delayMs)
  }

  function listen(): void {
    if (pool) connecting = connect(pool)
  }

  async function notifyOf(payloads: readonly string[]): Promise<void> {
    const notify = 'select pg_notify($1, payload) from json_array_elements_text($2::text::json) payload'
    await runStatement(db, notify, [channel, JSON.stringify(payloads)])
  }

  async function send(): Promise<void> {
    scheduled = false
    const payloads = [...waiting].map((topic) => (topic === '' ? nodeId : `${nodeId} ${topic}`))
    waiting.clear()
    try {
      await notifyOf(payloads)
    } catch (error) {
      logger.debug({ err: error, nodeId }, 'Other nodes could not be notified; they will poll')
    }
  }

  return {
    start() {
      running = true
      listen()
    },
    async stop() {
      running = false
      cancelTimer()
      await connecting
      await sending
      const last = client
      client = undefined
      if (last) close(last)
    },
    notify(topic = '') {
      if (!running) return
      waiting.add(topic)
      if (scheduled) return
      scheduled = true
      clock.schedule(() => {
        sending = sending.then(send)
      }, COALESCE_MS)
    },
    makeRoom() {
      if (!client) return
      warnOnce(
        'listen_made_room',
        'No connection of the pool was free, so that the one that listens for other nodes was given back for a while; they are found by polling',
        'Raise max of the pool, or give postgres.listen a pool of its own; with false, nothing is listened for.',
      )
      reconnectLater(client, MUCH_LATER_MS)
    },
  }
}
