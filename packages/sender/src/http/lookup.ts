import { type LookupAddress, lookup as systemLookup } from 'node:dns'
import { isIP, type LookupFunction } from 'node:net'
import { thrownMessage } from '@x/events-engine/support'
import type { AddressPolicy } from './addresses.ts'
import { ForbiddenAddressError } from './errors.ts'
import { type LookupAnswer, limitLookups, type ResolveAll } from './lookup-limiter.ts'

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
