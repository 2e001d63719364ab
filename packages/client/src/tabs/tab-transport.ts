import type { SyncEvent } from '@x/events-core'
import type { SyncClientError } from '../errors.ts'
import { fullJitter } from '../full-jitter.ts'
import type { TabConnection } from '../options.ts'
import type { FeedTransport, SyncMode, SyncTransport } from '../transport.ts'

/** How far the leader has received events. */
export interface TabCursor {
  readonly position: string | undefined
  readonly lastSyncDate: Date | undefined
  readonly streamSince: Date | undefined
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

/** A tab without a date begins at the present. */
const timeOf = (date: Date | undefined) => Number(date ?? Number.POSITIVE_INFINITY)

/** Whether a tab lacks something before a place. One that was polled by hand is beyond the date, and lacks nothing. */
function isBefore(one: TabCursor, other: TabCursor): boolean {
  return one.position !== other.position || timeOf(one.lastSyncDate) < timeOf(other.lastSyncDate)
}

/** Whether the leader's first stream begins later than a tab's would: polls have not brought what lies between. */
function beginsLater(
  one: TabCursor,
  { from, at }: { readonly from: TabCursor; readonly at: TabCursor },
): boolean {
  const isFirst = !from.position && at.position !== undefined
  return isFirst && timeOf(one.streamSince) < timeOf(from.streamSince)
}

/** Whether a tab has never been told where it is. */
const isNowhere = ({ position, lastSyncDate }: TabCursor) => (position ?? lastSyncDate) === undefined

/**
 * A leader sends a heartbeat with each event, and by a timer, which browsers let fire once a minute in hidden tabs. A
 * leader that is silent for longer is frozen.
 */
const SIGN_OF_LIFE_MS = 20_000
const SILENCE_MS = 90_000
/** So many of the leader's events are kept while a tab catches up; if more come, it catches up once more. */
const MOST_WAITING = 1_000

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
  /** Whether the leader's events have to wait, since others come before them; and those that wait. */
  let isBehind = false
  let waiting: SyncEvent[] = []
  let failures = 0
  /** When catching up has failed, and how long it is left alone then. */
  let failedAt = 0
  let restMs = 0
  let cancelTick = () => {}
  let leading: Promise<unknown> = Promise.resolve()

  const here = (): TabCursor => {
    const { position, lastSyncDate, streamSince } = cursor
    return { position, lastSyncDate, streamSince }
  }
  const post = (message: TabMessage) => channel?.postMessage(message)
  const postState = () => post({ type: 'state', mode, at: here() })

  // For what a tab does by itself while another one leads: catching up, and polls by hand.
  const aside = connection.connect({
    ...sink,
    connecting() {},
    connected() {},
    failed: (error) => sink.failed(error, undefined),
  })

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
      isBehind = false
      mine.start()
      postState()
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()))
    }

    async function stepDown(): Promise<void> {
      if (mine) {
        if (own === mine) own = undefined
        // What was heard before it led is out of date.
        leaderAt = undefined
        heardAt = clock.now()
        await mine.stop()
      }
      // Taken away: back into the queue.
      if (!signal.aborted) queueForLead(signal)
    }

    const led = locks.request(name, options, lead).catch(() => {})
    leading = Promise.all([leading, led.then(stepDown)])
  }

  function tell(event: SyncEvent): void {
    if (cursor.seen.add(event.id)) sink.event(Object.freeze(event))
    cursor.seen.trim(1)
  }

  function catchUp(): void {
    isBehind = true
    if (catchingUp || Math.abs(clock.now() - failedAt) < restMs) return
    catchingUp = readMissed(stopping.signal).finally(() => {
      catchingUp = undefined
    })
  }

  async function readMissed(signal: AbortSignal): Promise<void> {
    const done = new AbortController()
    let retryAfterMs = 0
    waiting = []
    if (settings.transport !== 'polling') {
      const either = AbortSignal.any([signal, done.signal])
      await aside
        .stream(either, () => done.abort())
        .catch((error: SyncClientError) => {
          if (either.aborted) return
          retryAfterMs = error.retryAfterMs ?? 0
          sink.failed(error, undefined)
        })
    }
    const isSynced = done.signal.aborted
    // Polling brings no more than some events: it is enough where the leader has moved by nothing else.
    const hasPolled =
      !isSynced && !signal.aborted && (await aside.poll()) && leaderAt?.position === cursor.position
    if (signal.aborted || !(isSynced || hasPolled)) {
      if (signal.aborted) return
      failures += 1
      failedAt = clock.now()
      restMs = Math.max(fullJitter(failures, settings), retryAfterMs)
      return
    }
    failures = 0
    if (waiting.length > MOST_WAITING) return
    isBehind = false
    for (const event of waiting) if (!signal.aborted) tell(event)
    if (leaderAt && !signal.aborted) moveTo(leaderAt)
  }

  function moveTo(at: TabCursor): void {
    const { streamSince } = cursor
    Object.assign(cursor, at)
    // Until there is a stream, the tab's own date counts where it is earlier.
    if (!at.position && timeOf(streamSince) < timeOf(at.streamSince)) cursor.streamSince = streamSince
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
      // Others may come before it where it is not known yet where the leader is, except for a tab that has just begun.
      if (!leaderAt && !isNowhere(cursor)) isBehind = true
      if (isBehind) {
        if (waiting.length <= MOST_WAITING) waiting.push(message.event)
      } else if (leaderAt) tell(message.event)
      return
    }
    if (message.type === 'state') {
      if (message.mode) sink.connected(message.mode)
      else sink.connecting()
    }
    // A leader that has just begun: its first place is told as soon as it has one.
    if (isNowhere(message.at)) return
    const isFirst = leaderAt === undefined
    const missed =
      message.type === 'moved'
        ? isBefore(here(), message.from) || beginsLater(here(), message)
        : isBefore(here(), message.at)
    leaderAt = message.at
    if (isBehind || (missed && !(isFirst && isNowhere(cursor)))) catchUp()
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
      isBehind = false
      restMs = 0
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
      await Promise.all([own?.stop(), aside.stop(), catchingUp, leading])
    },
    poll: () => (own ?? aside).poll(),
  }
}
