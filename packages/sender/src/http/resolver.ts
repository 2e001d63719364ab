import { type LookupAddress, lookup as lookupBySystem, Resolver } from 'node:dns'
import { readFileSync, statSync } from 'node:fs'
import { isIP } from 'node:net'
import { join } from 'node:path'
import { type LookupAll, type LookupCallback, limitLookups, lookupError } from './lookup.ts'

/** Where names are looked up; tests give servers and files of their own. */
export interface ResolverOptions {
  /** Longest time that a lookup should take, in milliseconds. */
  readonly timeoutMs: number
  /**
   * Name servers, as `Resolver.setServers` takes them.
   * @defaultValue those of the machine
   */
  readonly servers?: readonly string[] | undefined
  /** @defaultValue the machine's */
  readonly hostsFile?: string | undefined
}

/** Two datagrams each: a burst of more than 256 overflows the receive buffer of a socket, and others' are lost with it. */
const DNS_SLOTS = 64
/** libuv runs `dns.lookup` on half of its four threads: a third would wait there, out of turn. */
const SYSTEM_SLOTS = 2
/** The machine's name servers may change while the process runs. */
const RENEW_AFTER_MS = 30_000
const CHECK_HOSTS_AFTER_MS = 5_000
const TRIES = 2

/** Names that the system resolves by itself: of this machine (RFC 6761, 6.3) and of its network (RFC 6762). */
const LOCAL_NAME = /(?:^[^.]*|\.localhost|\.local)\.?$/i
/**
 * Errors after which the system is asked as well. It may know the name by a search domain, mDNS or a directory; or it
 * may reach name servers that `Resolver` has not found.
 */
const UNKNOWN = new Set(['ENOTFOUND', 'ENODATA', 'EBADNAME', 'ECONNREFUSED', 'EREFUSED'])

/**
 * Creates the lookup of all sockets. Names go to the machine's name servers over sockets of this process, since
 * `dns.lookup` occupies one of libuv's four threads for as long as a name server is silent. Names without a dot, names
 * in the hosts file, and names that the servers do not know go to the system. Tenants share both ways.
 */
export function createResolver(options: ResolverOptions): LookupAll {
  const byDns = limitLookups(createDnsLookup(options), DNS_SLOTS)
  const bySystem = limitLookups(
    (hostname, { tenantId: _, ...rest }, callback) =>
      lookupBySystem(hostname, { ...rest, all: true }, callback),
    SYSTEM_SLOTS,
  )
  const isInHosts = createHostsReader(options.hostsFile ?? systemHostsFile())

  return (hostname, given, callback) => {
    if (isIP(hostname) !== 0 || LOCAL_NAME.test(hostname) || isInHosts(hostname)) {
      bySystem(hostname, given, callback)
      return
    }
    byDns(hostname, given, (error, addresses) => {
      if (error && UNKNOWN.has(error.code ?? '')) bySystem(hostname, given, callback)
      else callback(error, addresses)
    })
  }
}

/** Looks names up at name servers, without a thread. IPv4 goes first: not every machine has a route for IPv6. */
function createDnsLookup({ timeoutMs, servers }: ResolverOptions): LookupAll {
  // The second try waits twice as long as the first one.
  const timeout = Math.max(1, Math.ceil(timeoutMs / (2 ** TRIES - 1)))
  let resolver: Resolver | undefined
  let createdAt = 0

  function currentResolver(): Resolver {
    const now = performance.now()
    if (!resolver || now - createdAt > RENEW_AFTER_MS) {
      resolver = new Resolver({ timeout, tries: TRIES })
      if (servers) resolver.setServers(servers)
      createdAt = now
    }
    return resolver
  }

  return (hostname, { family }, callback) => {
    const current = currentResolver()
    const errors: NodeJS.ErrnoException[] = []
    const found: Record<4 | 6, LookupAddress[]> = { 4: [], 6: [] }
    const wanted = family === 4 || family === 'IPv4' ? [4] : family === 6 || family === 'IPv6' ? [6] : [4, 6]
    let left = wanted.length

    const done = (of: 4 | 6) => (error: NodeJS.ErrnoException | null, addresses: string[] | undefined) => {
      if (error) errors.push(error)
      else found[of] = (addresses ?? []).map((address) => ({ address, family: of }))
      left -= 1
      if (left === 0) end(hostname, [...found[4], ...found[6]], errors, callback)
    }
    if (wanted.includes(4)) current.resolve4(hostname, done(4))
    if (wanted.includes(6)) current.resolve6(hostname, done(6))
  }
}

function end(
  hostname: string,
  addresses: LookupAddress[],
  errors: readonly NodeJS.ErrnoException[],
  callback: LookupCallback,
): void {
  if (addresses.length > 0 || errors.length === 0) {
    callback(null, addresses)
    return
  }
  // A name that has addresses of the other kind only is known; a server that failed says nothing of that.
  const failed = errors.find(({ code }) => !UNKNOWN.has(code ?? ''))
  const unknown = errors.find(({ code }) => code === 'ENOTFOUND') ?? errors[0]
  const code = failed ? failureOf(failed) : (unknown?.code ?? 'ENOTFOUND')
  callback(lookupError(code, `The name servers do not return the address of ${hostname} (${code}).`), [])
}

/** Every failure of a name server is one that may pass. */
function failureOf({ code = '' }: NodeJS.ErrnoException): string {
  return code === 'ETIMEOUT' || code === 'ENOMEM' || code === 'EMFILE' ? code : 'ESERVFAIL'
}

function systemHostsFile(): string {
  const { SystemRoot: root } = process.env
  return process.platform === 'win32' && root !== undefined
    ? join(root, 'System32', 'drivers', 'etc', 'hosts')
    : '/etc/hosts'
}

/**
 * Creates a check for names in the hosts file. It is a small local file, read again when it changes: a read without a
 * thread takes microseconds.
 */
function createHostsReader(path: string): (hostname: string) => boolean {
  let names: ReadonlySet<string> = new Set()
  let state = ''
  let checkedAt = Number.NEGATIVE_INFINITY

  function read(): void {
    try {
      const { mtimeMs, size, ino } = statSync(path)
      const now = `${mtimeMs} ${size} ${ino}`
      if (now !== state) names = namesOf(readFileSync(path, 'utf8'))
      state = now
    } catch {
      names = new Set()
      state = ''
    }
  }

  return (hostname) => {
    const now = performance.now()
    if (now - checkedAt > CHECK_HOSTS_AFTER_MS) {
      checkedAt = now
      read()
    }
    return names.has(hostname.toLowerCase().replace(/\.$/, ''))
  }
}

/** The names of a hosts file: `address name alias... # comment` (hosts(5)). */
function namesOf(text: string): Set<string> {
  const lines = text.split('\n').map((line) => line.replace(/#.*/, '').trim().split(/\s+/))
  return new Set(lines.flatMap(([, ...names]) => names.map((name) => name.toLowerCase().replace(/\.$/, ''))))
}
