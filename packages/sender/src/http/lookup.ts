import { type LookupAddress, type LookupOptions, lookup as systemLookup } from 'node:dns'
import { isIP, type LookupFunction } from 'node:net'
import { thrownMessage } from '@x/events-engine/support'
import { createFairShare } from '../fair-share.ts'
import type { AddressPolicy } from './addresses.ts'
import { ForbiddenAddressError } from './errors.ts'

/** Gives every address of a name. */
export type Resolve = (hostname: string) => Promise<readonly string[]>

const resolveBySystem: ResolveAll = (hostname, { tenantId: _, ...options }, answer) =>
  systemLookup(hostname, { ...options, all: true }, answer)

/** Makes the lookup of one tenant's sockets. */
export type LookupOf = (tenantId: number) => LookupFunction

/**
 * Makes lookups for sockets that only give addresses which may be dialled, so that nothing can change
 * between the look and the connection. One bad address among several refuses them all: a name that
 * mixes them is an attack, or a mistake.
 */
export function createGuardedLookup(policy: AddressPolicy, timeoutMs: number, resolve?: Resolve): LookupOf {
  const resolveAll = inTime(shared(resolve ? resolvingBy(resolve) : limitLookups(resolveBySystem)), timeoutMs)

  return (tenantId) => (hostname, options, callback) => {
    resolveAll(hostname, { ...options, tenantId }, (error, addresses) => {
      if (error) return callback(error, [])
      const forbidden = addresses.find(({ address }) => !policy.isAllowed(address))
      if (forbidden) return callback(new ForbiddenAddressError(hostname, forbidden.address), [])
      const [first] = addresses
      if (!first) {
        return callback(Object.assign(new Error(`${hostname} has no address.`), { code: 'ENODATA' }), [])
      }
      if (options.all) return callback(null, addresses)
      callback(null, first.address, first.family)
    })
  }
}

function resolvingBy(resolve: Resolve): ResolveAll {
  return async (hostname, _options, answer) => {
    let addresses: LookupAddress[]
    try {
      addresses = (await resolve(hostname)).map((address) => ({ address, family: isIP(address) }))
    } catch (error) {
      answer(error instanceof Error ? error : new Error(thrownMessage(error)), [])
      return
    }
    answer(null, addresses)
  }
}

const ASK_ANEW_AFTER_MS = 30_000

/**
 * Asks once for all attempts of a tenant that want to know the same at the same time: a name whose servers do not
 * answer must not be asked for by each of them. Tenants share no question, since each has its own turn.
 */
function shared(resolveAll: ResolveAll): ResolveAll {
  const asked = new Map<string, { readonly at: number; readonly waiting: LookupAnswer[] }>()

  return (hostname, options, answer) => {
    const now = performance.now()
    const key = `${options.tenantId} ${hostname}`
    const earlier = asked.get(key)
    if (earlier && now - earlier.at < ASK_ANEW_AFTER_MS) {
      earlier.waiting.push(answer)
      return
    }
    const question = { at: now, waiting: [answer] }
    asked.set(key, question)
    resolveAll(hostname, options, (error, addresses) => {
      if (asked.get(key) === question) asked.delete(key)
      for (const one of question.waiting) one(error, addresses)
    })
  }
}

/** Gives up a name server that does not answer, before the connection itself is given up. */
function inTime(resolveAll: ResolveAll, timeoutMs: number): ResolveAll {
  return (hostname, options, answer) => {
    let isOver = false
    const timer = setTimeout(() => {
      isOver = true
      const message = `No name server has told the address of ${hostname} within ${timeoutMs} ms.`
      answer(Object.assign(new Error(message), { code: 'ETIMEOUT' }), [])
    }, timeoutMs)
    // Nothing waits for a name that holds up the end of the process.
    timer.unref()
    resolveAll(hostname, options, (error, addresses) => {
      if (isOver) return
      clearTimeout(timer)
      answer(error, addresses)
    })
  }
}

/** Hears of every address of a name. */
export type LookupAnswer = (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void
/** Gives every address of a name, as sockets ask for it, on behalf of a tenant. */
export type ResolveAll = (
  hostname: string,
  options: LookupOptions & { readonly tenantId: number },
  answer: LookupAnswer,
) => void

interface Question {
  readonly hostname: string
  readonly at: number
  ask(): void
  drop(): void
}

// libuv runs look-ups on half of its four threads, so a third one would only wait there, out of turn.
const SLOTS = 2
const SLOW_MS = 1_000
const WAIT_AT_MOST_MS = 30_000
const MAX_REMEMBERED = 10_000

/**
 * Limits how many names the system's resolver works on. Its threads are few, and a name whose servers do not answer
 * holds one for seconds. Tenants share the slots, so that one with hundreds of such names delays its own only. A name
 * that was resolved fast the last time does not wait; one that was slow lets the tenant's other names go first.
 */
export function limitLookups(resolveAll: ResolveAll): ResolveAll {
  const wasFast = new Map<string, boolean>()
  const share = createFairShare(SLOTS)
  const waiting = new Map<number, Question[]>()

  function remember(hostname: string, isFast: boolean): void {
    wasFast.delete(hostname)
    wasFast.set(hostname, isFast)
    if (wasFast.size <= MAX_REMEMBERED) return
    const [oldest] = wasFast.keys()
    if (oldest !== undefined) wasFast.delete(oldest)
  }

  /** Takes the tenant's next question off its queue. */
  function takeNext(tenantId: number, questions: Question[]): Question | undefined {
    const unknown = questions.findIndex(({ hostname }) => wasFast.get(hostname) !== false)
    const [question] = questions.splice(Math.max(0, unknown), 1)
    waiting.delete(tenantId)
    // To the end of the line of tenants.
    if (questions.length > 0) waiting.set(tenantId, questions)
    return question
  }

  function askNext(): void {
    for (const [tenantId, questions] of waiting) {
      if (share.used >= SLOTS) return
      if (!share.hasRoom(tenantId)) continue
      const question = takeNext(tenantId, questions)
      // The attempt that wanted it has ended long ago.
      if (question && performance.now() - question.at > WAIT_AT_MOST_MS) question.drop()
      else question?.ask()
    }
  }

  return (hostname, options, answer) => {
    const { tenantId } = options
    const isKnownFast = wasFast.get(hostname) === true

    function ask(): void {
      const startedAt = performance.now()
      if (!isKnownFast) share.take(tenantId)
      resolveAll(hostname, options, (error, addresses) => {
        if (!isKnownFast) share.release(tenantId)
        remember(hostname, performance.now() - startedAt < SLOW_MS)
        askNext()
        answer(error, addresses)
      })
    }

    function drop(): void {
      const message = `${hostname} was not looked up: other names are slow to resolve.`
      answer(Object.assign(new Error(message), { code: 'ETIMEOUT' }), [])
    }

    if (isKnownFast) {
      ask()
      return
    }
    const questions = waiting.get(tenantId) ?? []
    questions.push({ hostname, at: performance.now(), ask, drop })
    waiting.set(tenantId, questions)
    askNext()
  }
}
