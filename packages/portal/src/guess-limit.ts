import { createHash } from 'node:crypto'
import { isIP } from 'node:net'
import {
  type Assertion,
  type Clock,
  createAssertion,
  EventsError,
  type FieldNames,
  systemClock,
} from '@x/events-core'
import { assertFields } from './assert-option.ts'

/** How often credentials may be wrong; see {@link createGuessLimit}. */
export interface GuessLimitOptions {
  /**
   * Wrong credentials of one client in a window.
   * @defaultValue 60
   */
  readonly perClient?: number | undefined
  /**
   * Wrong credentials of all clients together in a window.
   * @defaultValue 1000
   */
  readonly total?: number | undefined
  /** @defaultValue 60 */
  readonly windowSeconds?: number | undefined
  /** @defaultValue the machine's */
  readonly clock?: Pick<Clock, 'now'> | undefined
}

/** A credential that somebody has sent. */
export interface Guess {
  /** The address it has come from; undefined where it is not known, so that only the total limits it. */
  readonly client: string | undefined
  readonly credential: string
}

/** Stands in front of what credentials protect. Made by {@link createGuessLimit}. */
export interface GuessLimit {
  /**
   * Finds out whom a credential belongs to, unless its client, or all clients together, have been wrong too often:
   * then nobody looks, and a right guess is not told from a wrong one.
   *
   * @param find - undefined for nobody: that counts as wrong.
   * @throws TooManyGuessesError
   */
  find<TUser>(guess: Guess, find: () => Promise<TUser | undefined>): Promise<TUser | undefined>
}

/** Too many credentials were wrong: no further one is looked at for a while. */
export class TooManyGuessesError extends EventsError<'too_many_guesses'> {
  static override readonly errorName = 'TooManyGuessesError'

  readonly retryAfterSeconds: number

  constructor(retryAfterSeconds: number) {
    super(
      'too_many_guesses',
      `Too many credentials were wrong. Try again in ${retryAfterSeconds} seconds, with the right one.`,
    )
    this.retryAfterSeconds = retryAfterSeconds
  }
}

interface Window {
  readonly startedAt: number
  wrong: number
}

const MAX_REMEMBERED = 10_000

const OPTION_NAMES: FieldNames<GuessLimitOptions> = {
  perClient: true,
  total: true,
  windowSeconds: true,
  clock: true,
}
const GUESS_NAMES: FieldNames<Guess> = { client: true, credential: true }

const assertOption: Assertion = createAssertion((option, expected, got) => {
  const name = option === '' ? 'options' : `options.${option}`
  return new TypeError(`createGuessLimit: ${name} must be ${expected}; got ${got}.`)
})

const assertGuess: Assertion = createAssertion((field, expected, got) => {
  const name = field === '' ? 'guess' : `guess.${field}`
  return new TypeError(`guessLimit.find: ${name} must be ${expected}; got ${got}.`)
})

/**
 * Creates a limit of wrong credentials, per client and for all clients together; each process counts for itself. A
 * right credential that this client has used before passes even while the client is limited, so that whoever guesses
 * from behind the same address ends nobody's work. A client that comes with another right one starts from zero. At
 * most 10,000 clients and 10,000 right credentials (as hashes) are remembered.
 *
 * @throws RangeError for options that are no positive integers, TypeError for others that cannot be used.
 * @example
 * ```ts
 * import { createGuessLimit } from '@x/portal'
 *
 * const guessLimit = createGuessLimit({ perClient: 10, windowSeconds: 300 })
 *
 * async function userOf(address: string, token: string, find: (token: string) => Promise<string | undefined>) {
 *   return guessLimit.find({ client: address, credential: token }, () => find(token))
 * }
 * ```
 */
export function createGuessLimit(options: GuessLimitOptions = {}): GuessLimit {
  assertOption.fields('', options, OPTION_NAMES)
  const { perClient = 60, total = 1_000, windowSeconds = 60, clock = systemClock } = options
  assertOption.methods('clock', clock, ['now'])
  for (const [name, value] of Object.entries({ perClient, total, windowSeconds })) {
    if (Number.isSafeInteger(value) && value >= 1) continue
    throw new RangeError(`createGuessLimit: options.${name} must be an integer of at least 1; got ${value}.`)
  }
  const windows = new Map<string, Window>()
  let everybody: Window = { startedAt: clock.now(), wrong: 0 }
  const right = new Set<string>()
  const underWay = new Map<string, number>()

  /** Also begins anew where the clock was set back: nobody is to wait for longer than a window. */
  function isOver({ startedAt }: Window, now: number): boolean {
    return now < startedAt || now >= startedAt + windowSeconds * 1_000
  }

  function windowOf(client: string, now: number): Window {
    const known = windows.get(client)
    if (known && !isOver(known, now)) return known
    const window = { startedAt: now, wrong: 0 }
    windows.delete(client)
    remember(windows, () => windows.set(client, window))
    return window
  }

  /** Counts a guess as wrong; whoever finds out that it is right calls what comes back. */
  function count(client: string | undefined): () => void {
    const now = clock.now()
    if (isOver(everybody, now)) everybody = { startedAt: now, wrong: 0 }
    const counted: (readonly [Window, limit: number])[] = [[everybody, total]]
    if (client !== undefined) counted.push([windowOf(client, now), perClient])
    for (const [{ startedAt, wrong }, limit] of counted) {
      if (wrong < limit) continue
      throw new TooManyGuessesError(Math.ceil((startedAt + windowSeconds * 1_000 - now) / 1_000))
    }
    for (const [window] of counted) window.wrong += 1
    return () => {
      for (const [window] of counted) window.wrong -= 1
    }
  }

  async function findNew<TUser>(
    client: string | undefined,
    key: string,
    find: () => Promise<TUser | undefined>,
  ): Promise<TUser | undefined> {
    // Counted before it is known to be wrong: of many at once, no more are looked at than are left. Those with the
    // same credential are one, since a program that begins with many requests has done nothing wrong.
    const others = underWay.get(key) ?? 0
    let takeBack = others === 0 ? count(client) : undefined
    underWay.set(key, others + 1)
    let isRight = false
    try {
      const user = await find()
      isRight = user !== undefined
      if (!isRight) {
        if (!takeBack) count(client)
        takeBack = undefined
      }
      return user
    } finally {
      takeBack?.()
      const left = (underWay.get(key) ?? 1) - 1
      if (left > 0) underWay.set(key, left)
      else underWay.delete(key)
      if (isRight) {
        if (client !== undefined) windows.delete(client)
        remember(right, () => right.add(key))
      }
    }
  }

  return {
    async find(guess, find) {
      // A client under another name would be limited with all together alone.
      assertFields(assertGuess, '', guess, GUESS_NAMES)
      const isClient = guess.client === undefined || typeof guess.client === 'string'
      assertGuess(isClient, 'client', 'a text, or undefined', guess.client)
      assertGuess(typeof guess.credential === 'string', 'credential', 'a text', typeof guess.credential)
      const client = guess.client === undefined ? undefined : networkOf(guess.client)
      const key = createHash('sha256')
        .update(JSON.stringify([client ?? null, guess.credential]))
        .digest('base64')
      if (!right.has(key)) return findNew(client, key, find)
      const user = await find()
      if (user !== undefined) return user
      right.delete(key)
      count(client)
      return undefined
    },
  }
}

/** Adds one, and forgets the oldest where there are too many. */
function remember(all: Map<string, unknown> | Set<string>, add: () => void): void {
  add()
  if (all.size <= MAX_REMEMBERED) return
  const [oldest] = all.keys()
  if (oldest !== undefined) all.delete(oldest)
}

/** Whoever has one address of IPv6 has all of its network (/64). */
function networkOf(address: string): string {
  const bare = address.replace(/%.*$/, '')
  if (isIP(bare) !== 6) return address.slice(0, 100)
  // URL writes it in its shortest form.
  const [head = '', tail] = new URL(`http://[${bare}]`).hostname.slice(1, -1).split('::')
  const left = head.split(':').filter(Boolean)
  const rest = (tail ?? '').split(':').filter(Boolean)
  const groups = [...left, ...Array<string>(8 - left.length - rest.length).fill('0'), ...rest]
  const isMapped = groups.slice(0, 5).every((group) => group === '0') && groups[5] === 'ffff'
  return isMapped ? ipv4Of(groups) : groups.slice(0, 4).join(':')
}

function ipv4Of(groups: readonly string[]): string {
  const [high = 0, low = 0] = groups.slice(6).map((group) => Number.parseInt(group, 16))
  return [high >> 8, high & 0xff, low >> 8, low & 0xff].join('.')
}
