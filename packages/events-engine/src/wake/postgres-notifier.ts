import type { Clock, Logger } from '@x/events-core'

/** What the notifier needs of a `pg.Pool`. */
export interface PostgresPool {
  connect(): Promise<PostgresClient>
  query(statement: string, parameters: unknown[]): Promise<unknown>
  on?(event: 'error', listener: (error: Error) => void): unknown
  on?(event: 'acquire', listener: (client: PostgresClient) => void): unknown
}

/** What the notifier needs of a connection of a `pg.Pool`. */
export interface PostgresClient {
  query(statement: string): Promise<unknown>
  on(event: 'notification', listener: (message: { payload?: string | undefined }) => void): unknown
  on(event: 'error' | 'end', listener: (error?: Error) => void): unknown
  release(destroy?: boolean): void
}

/** Tells other nodes that something was committed. */
export interface Notifier {
  start(): void
  stop(): Promise<void>
  /**
   * Something that was raised here is committed. Many calls make one notification.
   *
   * @param topic - of a package that builds on the engine; none for events.
   */
  notify(topic?: string): void
}

const COALESCE_MS = 5
const RECONNECT_MS = 1_000

/**
 * One LISTEN connection, and at most one NOTIFY in a few milliseconds, sent after the commit:
 * inside of a transaction it would make all commits of the database wait for each other. A hint
 * only; who misses it finds the events by polling.
 *
 * @param heard - called when another node has notified: with its topic, '' for events.
 */
export function createPostgresNotifier(
  pool: PostgresPool,
  channel: string,
  nodeId: string,
  heard: (topic: string) => void,
  clock: Clock,
  logger: Logger,
): Notifier {
  let running = false
  let client: PostgresClient | undefined
  let connecting: Promise<void> = Promise.resolve()
  let cancelReconnect = () => {}
  /** Topics that are not sent yet. */
  const waiting = new Set<string>()
  let scheduled = false
  let sending: Promise<void> = Promise.resolve()

  async function connect(): Promise<void> {
    let connected: PostgresClient | undefined
    try {
      connected = await pool.connect()
      if (!running) return connected.release()
      const mine = connected
      const lost = () => reconnectLater(mine)
      connected.on('error', lost)
      connected.on('end', lost)
      connected.on('notification', ({ payload = '' }) => {
        const [node, topic = ''] = payload.split(' ')
        if (node !== nodeId) heard(topic)
      })
      client = connected
      await connected.query(`listen ${channel}`)
      // What was committed while nobody listened.
      heard('')
    } catch (error) {
      logger.warn(
        { err: error, nodeId },
        'No connection to listen for other nodes; polling until there is one',
      )
      reconnectLater(connected)
    }
  }

  function reconnectLater(lost: PostgresClient | undefined): void {
    if (lost !== client) return
    if (client) client.release(true)
    client = undefined
    if (!running) return
    cancelReconnect()
    cancelReconnect = clock.schedule(() => {
      connecting = connect()
    }, RECONNECT_MS)
  }

  async function send(): Promise<void> {
    scheduled = false
    const payloads = [...waiting].map((topic) => (topic === '' ? nodeId : `${nodeId} ${topic}`))
    waiting.clear()
    try {
      await pool.query('select pg_notify($1, payload) from unnest($2::text[]) payload', [channel, payloads])
    } catch (error) {
      logger.debug({ err: error, nodeId }, 'Other nodes could not be notified; they will poll')
    }
  }

  return {
    start() {
      running = true
      connecting = connect()
    },
    async stop() {
      running = false
      cancelReconnect()
      await connecting
      await sending
      // Destroyed, not handed back: it would go on listening for the next user of the pool.
      const last = client
      client = undefined
      last?.release(true)
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
  }
}
