import { isIP } from 'node:net'
import { shown } from '@x/events-core'
import ipaddr from 'ipaddr.js'
import { WebhookSenderError } from '../errors.ts'

/** Which IP addresses webhooks may go to. */
export interface AddressPolicy {
  /** False also for a string that is no address. */
  isAllowed(address: string): boolean
}

type Network = [ipaddr.IPv4 | ipaddr.IPv6, number]

// Public by registration, but served inside of a cloud's own network: Azure's wire server.
const NEVER_PUBLIC: readonly Network[] = [ipaddr.parseCIDR('168.63.129.16/32')]
// The part of IPv6 that is routed on the internet. The rest is local, obsolete, or not assigned yet.
const GLOBAL_UNICAST = ipaddr.IPv6.parseCIDR('2000::/3')
const LOOPBACK_NAME = /(?:^|\.)localhost\.?$/
const NAT64 = ipaddr.IPv6.parseCIDR('64:ff9b::/96')

/**
 * Allows public addresses, and the networks that the host has opened. An IPv6 address that stands for an
 * IPv4 one is treated as that.
 *
 * @throws WebhookSenderError `invalid_option`
 */
export function createAddressPolicy(allow: readonly string[]): AddressPolicy {
  const opened = Array.from(allow, readNetwork)

  return {
    isAllowed(text) {
      if (!ipaddr.isValid(text)) return false
      const address = ipaddr.process(text)
      return isIn(address, opened) || isPublic(address)
    },
  }

  function isPublic(address: ipaddr.IPv4 | ipaddr.IPv6): boolean {
    if (address instanceof ipaddr.IPv4) return address.range() === 'unicast' && !isIn(address, NEVER_PUBLIC)
    if (address.match(NAT64)) {
      const translated = new ipaddr.IPv4(address.toByteArray().slice(12))
      return isIn(translated, opened) || isPublic(translated)
    }
    return address.match(GLOBAL_UNICAST) && address.range() === 'unicast'
  }
}

/** The host of a URL as an address, or undefined where it is a name. */
export function literalAddress(hostname: string): string | undefined {
  const bare = hostname.startsWith('[') ? hostname.slice(1, -1) : hostname
  return isIP(bare) === 0 ? undefined : bare
}

/** False for an address that is not allowed, and for a name of this machine where loopback is not. */
export function isAllowedHost(hostname: string, policy: AddressPolicy): boolean {
  if (LOOPBACK_NAME.test(hostname)) return policy.isAllowed('127.0.0.1') || policy.isAllowed('::1')
  const address = literalAddress(hostname)
  return address === undefined || policy.isAllowed(address)
}

function isIn(address: ipaddr.IPv4 | ipaddr.IPv6, networks: readonly Network[]): boolean {
  return networks.some(([base, bits]) => address.kind() === base.kind() && address.match(base as never, bits))
}

function readNetwork(text: string): Network {
  try {
    const [base, bits] = ipaddr.parseCIDR(text)
    if (base instanceof ipaddr.IPv6 && base.isIPv4MappedAddress() && bits >= 96) {
      return [base.toIPv4Address(), bits - 96]
    }
    return [base, bits]
  } catch (cause) {
    throw new WebhookSenderError(
      'invalid_option',
      `createWebhookSender: options.network.allow must hold networks in CIDR notation, such as '10.1.0.0/16'; got ${shown(text)}.`,
      { field: 'network.allow', cause },
    )
  }
}
