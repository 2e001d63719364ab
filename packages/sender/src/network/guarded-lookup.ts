import { type LookupAddress, type LookupOptions, lookup as systemLookup } from 'node:dns'
import type { LookupFunction } from 'node:net'
import type { AddressPolicy } from './address-policy.ts'
import { ForbiddenAddressError } from './attempt-error.ts'

/** Resolves a name to all of its addresses; `dns.lookup` unless a test gives another. */
export type ResolveAll = (
  hostname: string,
  options: LookupOptions,
  callback: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void

const resolveBySystem: ResolveAll = (hostname, options, callback) =>
  systemLookup(hostname, { ...options, all: true }, callback)

/**
 * A lookup for sockets that only gives addresses which may be dialled, so that nothing can change
 * between the look and the connection. One bad address among several refuses them all: a name that
 * mixes them is an attack, or a mistake.
 */
export function createGuardedLookup(policy: AddressPolicy, resolveAll = resolveBySystem): LookupFunction {
  return (hostname, options, callback) => {
    resolveAll(hostname, options, (error, addresses) => {
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
