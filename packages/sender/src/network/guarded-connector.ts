import { buildConnector } from 'undici'
import { literalAddress } from '../endpoints/validate-url.ts'
import type { AddressPolicy } from './address-policy.ts'
import { ForbiddenAddressError } from './attempt-error.ts'
import { createGuardedLookup, type ResolveAll } from './guarded-lookup.ts'

/**
 * Opens connections for undici, to allowed addresses only: those in URLs never reach a lookup and are
 * looked at here, names are looked at by the lookup, and who answers is looked at once more.
 */
export function createGuardedConnector(
  policy: AddressPolicy,
  timeoutMs: number,
  resolveAll?: ResolveAll,
): buildConnector.connector {
  const connect = buildConnector({
    timeout: timeoutMs,
    lookup: createGuardedLookup(policy, resolveAll),
    allowH2: false,
  } as buildConnector.BuildOptions)

  return (options, callback) => {
    const address = literalAddress(options.hostname)
    if (address !== undefined && !policy.isAllowed(address)) {
      callback(new ForbiddenAddressError(address, address), null)
      return
    }
    connect(options, (...result: Parameters<typeof callback>) => {
      const [, socket] = result
      const peer = socket?.remoteAddress
      if (socket && peer !== undefined && !policy.isAllowed(peer)) {
        socket.destroy()
        callback(new ForbiddenAddressError(options.hostname, peer), null)
        return
      }
      callback(...result)
    })
  }
}
