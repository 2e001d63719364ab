import type { LookupAddress, LookupOptions } from 'node:dns'
import { isIP, type LookupFunction } from 'node:net'
import { thrownMessage } from '@x/events-engine/internal'
import { createFairShare } from '../fair-share.ts'
import type { AddressPolicy } from './addresses.ts'
import { ForbiddenAddressError } from './errors.ts'

/** Gives every address of a name. */
export type Resolve = (hostname: string) => Promise<readonly string[]>

/** Called with every address of a name. */
export type LookupCallback = (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void

/** Gives every address of a name, as sockets ask for it, on behalf of a tenant. */
export type LookupAll = (
  hostname: string,
  options: LookupOptions & { readonly tenantId: number },
  callback: LookupCallback,
) => void

/** Makes the lookup of one tenant's sockets. */
export type LookupOf = (tenantId: number) => LookupFunction

/**
 * Makes lookups for sockets that only give addresses which may be dialled, so that nothing can change
 * between the check and the connection. One bad address among several refuses them all: a name that
 * mixes them is an attack, or a mistake.
 */
export function createGuardedLookup(
  policy: AddressPolicy,
  timeoutMs: number,
  lookupAll: LookupAll,
): LookupOf {
  const byName = limitTime(shareLookups(lookupAll), timeoutMs)

  return (tenantId) => (hostname, options, callback) => {
    byName(hostname, { ...options, tenantId }, (error, addresses) => {
      if (error) return callback(error, [])
      const forbidden = addresses.find(({ address }) => !policy.isAllowed(address))
      if (forbidden) return callback(new ForbiddenAddressError(hostname, forbidden.address), [])
      const [first] = addresses
      if (!first) return callback(lookupError('ENODATA', `${hostname} has no address.`), [])
      if (options.all) return callback(null, addresses)
      callback(null, first.address, first.family)
    })
  }
}

/** The error of a lookup, with a code that {@link attemptErrorOf} knows. */
export function lookupError(code: string, message: string): NodeJS.ErrnoException {
  return Object.assign(new Error(message), { code })
}

/** A lookup by the host's own function. */
export function resolvedBy(resolve: Resolve): LookupAll {
  return async (hostname, _options, callback) => {
    let addresses: LookupAddress[]
    try {
      addresses = (await resolve(hostname)).map((address) => ({ address, family: isIP(address) }))
    } catch (error) {
      callback(error instanceof Error ? error : new Error(thrownMessage(error)), [])
      return
    }
    callback(null, addresses)
  }
}

const LOOK_UP_ANEW_AFTER_MS = 30_000

/**
 * Shares one lookup among all attempts of a tenant that want the same name at the same time, so that a name whose
 * servers do not respond is looked up once. Tenants share none, since each waits for slots of its own.
 */
function shareLookups(lookupAll: LookupAll): LookupAll {
  const pending = new Map<string, { readonly at: number; readonly callbacks: LookupCallback[] }>()

  return (hostname, options, callback) => {
    const now = performance.now()
    const key = `${options.tenantId} ${hostname}`
    const earlier = pending.get(key)
    if (earlier && now - earlier.at < LOOK_UP_ANEW_AFTER_MS) {
      earlier.callbacks.push(callback)
      return
    }
    const lookup = { at: now, callbacks: [callback] }
    pending.set(key, lookup)
    lookupAll(hostname, options, (error, addresses) => {
      if (pending.get(key) === lookup) pending.delete(key)
      for (const one of lookup.callbacks) one(error, addresses)
    })
  }
}

/** Ends a lookup before the connection itself times out, so that the error names the cause. */
function limitTime(lookupAll: LookupAll, timeoutMs: number): LookupAll {
  return (hostname, options, callback) => {
    let isOver = false
    const timer = setTimeout(() => {
      isOver = true
      const message = `No name server has returned the address of ${hostname} within ${timeoutMs} ms.`
      callback(lookupError('ETIMEOUT', message), [])
    }, timeoutMs)
    // A pending lookup does not keep the process alive.
    timer.unref()
    lookupAll(hostname, options, (error, addresses) => {
      if (isOver) return
      clearTimeout(timer)
      callback(error, addresses)
    })
  }
}

interface WaitingLookup {
  readonly hostname: string
  readonly at: number
  begin(): void
  drop(): void
}

const SLOW_MS = 1_000
const MAX_WAIT_MS = 30_000
const MAX_REMEMBERED = 10_000

/**
 * Limits how many names are looked up at once. Tenants share the slots, so that one with hundreds of names that do
 * not resolve delays its own only. A name that was fast the last time does not wait; one that was slow lets the
 * tenant's other names go first.
 */
export function limitLookups(lookupAll: LookupAll, slots: number): LookupAll {
  const wasFast = new Map<string, boolean>()
  const share = createFairShare(slots)
  const waiting = new Map<number, WaitingLookup[]>()

  function remember(hostname: string, isFast: boolean): void {
    wasFast.delete(hostname)
    wasFast.set(hostname, isFast)
    if (wasFast.size <= MAX_REMEMBERED) return
    const [oldest] = wasFast.keys()
    if (oldest !== undefined) wasFast.delete(oldest)
  }

  /** Takes the tenant's next lookup off its queue. */
  function takeNext(tenantId: number, lookups: WaitingLookup[]): WaitingLookup | undefined {
    const preferred = lookups.findIndex(({ hostname }) => wasFast.get(hostname) !== false)
    const [lookup] = lookups.splice(Math.max(0, preferred), 1)
    waiting.delete(tenantId)
    // To the end of the line of tenants.
    if (lookups.length > 0) waiting.set(tenantId, lookups)
    return lookup
  }

  function beginNext(): void {
    for (const [tenantId, lookups] of waiting) {
      if (share.used >= slots) return
      if (!share.hasRoom(tenantId)) continue
      const lookup = takeNext(tenantId, lookups)
      // The attempt that wanted it has ended long ago.
      if (lookup && performance.now() - lookup.at > MAX_WAIT_MS) lookup.drop()
      else lookup?.begin()
    }
  }

  return (hostname, options, callback) => {
    const { tenantId } = options
    const isKnownFast = wasFast.get(hostname) === true

    function begin(): void {
      const startedAt = performance.now()
      if (!isKnownFast) share.take(tenantId)
      lookupAll(hostname, options, (error, addresses) => {
        if (!isKnownFast) share.release(tenantId)
        remember(hostname, performance.now() - startedAt < SLOW_MS)
        beginNext()
        callback(error, addresses)
      })
    }

    function drop(): void {
      const message = `${hostname} was not looked up: other names are slow to resolve.`
      callback(lookupError('ETIMEOUT', message), [])
    }

    if (isKnownFast) {
      begin()
      return
    }
    const lookups = waiting.get(tenantId) ?? []
    lookups.push({ hostname, at: performance.now(), begin, drop })
    waiting.set(tenantId, lookups)
    beginNext()
  }
}
