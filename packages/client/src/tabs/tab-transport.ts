import type { SyncEvent } from '@x/events-core'
import type { TabConnection } from '../options.ts'
import type { FeedTransport, SyncMode, SyncTransport } from '../transport.ts'

/** How far the leader has received events. */
export interface TabCursor {
  readonly position: string | undefined
  readonly lastSyncDate: Date | undefined
}

/** What tabs say to each other; a leader is the one that has the connection. */
export type TabMessage =
  /** Of a tab that has just come: who leads, and where are we? */
  | { readonly type: 'hello' }
  /** The leader's state and place; also its sign of life. */
  | { readonly type: 'state'; readonly mode: SyncMode | undefined; readonly at: TabCursor }
  | { readonly type: 'event'; readonly event: SyncEvent }
  /** The leader has moved: who is not where it came from has missed something. */
  | { readonly type: 'moved'; readonly from: TabCursor; readonly at: TabCursor }

/** Whether two tabs are at the same place: a stream moves both, polling the date alone. */
function isSamePlace(one: TabCursor, other: TabCursor): boolean {
  return one.position === other.position && one.lastSyncDate?.getTime() === other.lastSyncDate?.getTime()
}

/**
 * A leader sends a heartbeat with each event, and by a timer, which browsers let fire once a minute in hidden tabs. A
 * leader that is silent for longer is frozen.
 */
const SIGN_OF_LIFE_MS = 20_000
const SILENCE_MS = 90_000

/** Creates a transport that has a connection of its own while it holds the lock, and otherwise follows the tab that does. */
export function createTabTransport(
  connection: TabConnection,
  name: string,
  locks: LockManager,
): SyncTransport {
  const { cursor, sink, settings } = connection
  const { clock } = settings
  let channel: BroadcastChannel | undefined
  let stopping = new AbortController()
  let own: FeedTransport | undefined
  let mode: SyncMode | undefined
  /** The position of the leader in its last message, and when that came. */
  let leaderAt: TabCursor | undefined
  let heardAt = 0
  let catchingUp: Promise<void> | undefined
  let cancelTick = () => {}
  let leading: Promise<unknown> = Promise.resolve()

  const here = (): TabCursor => ({ position: cursor.position, lastSyncDate: cursor.lastSyncDate })
  const post = (message: TabMessage) => channel?.postMessage(message)
  const postState = () => post({ type: 'state', mode, at: here() })

  // For what a tab does by itself while another one leads: catching up, and polls by hand.
  const aside = connection.connect({ ...sink, connecting() {}, connected() {} })

  function createLeader(): FeedTransport {
    let from = here()
    return connection.connect({
      connecting() {
        mode = undefined
        sink.connecting()
        postState()
      },
      connected(next) {
        mode = next
        sink.connected(next)
        postState()
      },
      event(event) {
        // The others first: a listener here may take its time.
        post({ type: 'event', event })
        sink.event(event)
      },
      moved() {
        const at = here()
        post({ type: 'moved', from, at })
        from = at
        sink.moved()
      },
      failed(error, retryInMs) {
        sink.failed(error, retryInMs)
        if (retryInMs === undefined) return
        mode = undefined
        postState()
      },
    })
  }

  /** Waits for the lead; has it until stopped, or until it is taken from a tab that was thought to be frozen. */
  function queueForLead(signal: AbortSignal, options: LockOptions = { signal }): void {
    let mine: FeedTransport | undefined

    async function lead(): Promise<void> {
      await catchingUp
      if (signal.aborted) return
      mine = createLeader()
      own = mine
      mine.start()
      postState()
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()))
    }

    async function stepDown(): Promise<void> {
      if (own === mine) own = undefined
      await mine?.stop()
      // Taken away: back into the queue.
      if (!signal.aborted) queueForLead(signal)
    }

    const led = locks.request(name, options, lead).catch(() => {})
    leading = Promise.all([leading, led.then(stepDown)])
  }

  function catchUp(): void {
    if (catchingUp || own) return
    const { signal } = stopping
    catchingUp = (async () => {
      const done = new AbortController()
      await aside.stream(AbortSignal.any([signal, done.signal]), () => done.abort()).catch(() => {})
      if (!done.signal.aborted && !signal.aborted) await aside.poll()
      catchingUp = undefined
      // Events that the leader has passed on meanwhile were passed on here as well.
      if (leaderAt && !signal.aborted) moveTo(leaderAt)
    })()
  }

  function moveTo({ position, lastSyncDate }: TabCursor): void {
    cursor.position = position
    cursor.lastSyncDate = lastSyncDate
    sink.moved()
  }

  function receive(message: TabMessage): void {
    if (message.type === 'hello') {
      if (own) postState()
      return
    }
    // A message of a leader that does not know yet that it has lost the lead.
    if (own) return
    heardAt = clock.now()
    if (message.type === 'event') {
      // Before it is known where the leader is, it will be caught up with or does not concern us.
      if (leaderAt && cursor.seen.add(message.event.id)) sink.event(Object.freeze(message.event))
      return
    }
    const isFirst = leaderAt === undefined
    const missed = !isSamePlace(message.type === 'moved' ? message.from : message.at, here())
    leaderAt = message.at
    if (message.type === 'state') {
      if (message.mode) sink.connected(message.mode)
      else sink.connecting()
    }
    const isNew = cursor.position === undefined && cursor.lastSyncDate === undefined
    if (catchingUp || isSamePlace(message.at, here())) return
    if (missed && !(isFirst && isNew)) catchUp()
    else moveTo(message.at)
  }

  function tick(): void {
    if (own) postState()
    else if (Math.abs(clock.now() - heardAt) > SILENCE_MS) {
      heardAt = clock.now()
      stopping.abort()
      begin({ steal: true })
    }
    cancelTick()
    cancelTick = clock.schedule(tick, SIGN_OF_LIFE_MS)
  }

  function begin(options?: LockOptions): void {
    stopping = new AbortController()
    queueForLead(stopping.signal, options)
  }

  return {
    start() {
      channel = new BroadcastChannel(name)
      channel.onmessage = ({ data }: MessageEvent<TabMessage>) => receive(data)
      leaderAt = undefined
      heardAt = clock.now()
      begin()
      post({ type: 'hello' })
      cancelTick = clock.schedule(tick, SIGN_OF_LIFE_MS)
    },
    async stop() {
      cancelTick()
      stopping.abort()
      const closing = channel
      channel = undefined
      closing?.close()
      await Promise.all([own?.stop(), aside.stop(), leading])
    },
    poll: () => (own ?? aside).poll(),
  }
}
