import type { LookupAddress, LookupOptions } from 'node:dns'
import { createFairShare } from '../fair-share.ts'

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
