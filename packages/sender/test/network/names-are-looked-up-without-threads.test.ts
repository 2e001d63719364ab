import dns, { type LookupAddress } from 'node:dns'
import { writeFile } from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import { join } from 'node:path'
import { temporaryFolder } from '@x/testkit'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createAddressPolicy } from '../../src/http/addresses.ts'
import { createGuardedLookup } from '../../src/http/lookup.ts'
import { createResolver, type ResolverOptions } from '../../src/http/resolver.ts'
import { testNameServer } from './name-server.ts'

/** The names that `dns.lookup` was called with, which occupies a thread for each. */
let onThreads: string[] = []
beforeEach(() => {
  onThreads = []
  const real = dns.lookup
  vi.spyOn(dns, 'lookup').mockImplementation(((name: string, ...rest: [object, () => void]) => {
    onThreads.push(name)
    return real(name, ...rest)
  }) as typeof dns.lookup)
  syncBuiltinESMExports()
})
afterEach(() => {
  vi.restoreAllMocks()
  syncBuiltinESMExports()
})

function resolverOf(options: ResolverOptions) {
  const lookup = createResolver(options)
  return (hostname: string, tenantId = 1, family: 0 | 4 | 6 = 0) =>
    new Promise<LookupAddress[] | string>((resolve) => {
      lookup(hostname, { tenantId, family, all: true }, (error, addresses) =>
        resolve(error ? `${error.code}` : addresses),
      )
    })
}

describe('a name', () => {
  const IPV6 = '2001:0db8:0000:0000:0000:0000:0000:0001'

  it('is looked up at the name servers, both kinds of addresses, without a thread', async () => {
    await using server = await testNameServer(() => ['192.0.2.1', IPV6, '192.0.2.2'])
    const resolve = resolverOf({ timeoutMs: 60_000, servers: [server.address] })
    expect(await resolve('shop.example')).toEqual([
      { address: '192.0.2.1', family: 4 },
      { address: '192.0.2.2', family: 4 },
      { address: '2001:db8::1', family: 6 },
    ])
    expect([...server.questions].sort()).toEqual(['A shop.example', 'AAAA shop.example'])
    expect(await resolve('shop.example', 1, 6)).toEqual([{ address: '2001:db8::1', family: 6 }])
    expect(onThreads).toEqual([])
  })

  it('that has addresses of one kind is known', async () => {
    await using server = await testNameServer(() => ['192.0.2.1'])
    const resolve = resolverOf({ timeoutMs: 60_000, servers: [server.address] })
    expect(await resolve('shop.example')).toEqual([{ address: '192.0.2.1', family: 4 }])
  })

  it('without a dot, and one of this machine, goes to the system', async () => {
    await using server = await testNameServer(() => ['192.0.2.1'])
    const resolve = resolverOf({ timeoutMs: 60_000, servers: [server.address] })
    expect(await resolve('localhost')).toContainEqual({ address: '127.0.0.1', family: 4 })
    await resolve('consumer.localhost')
    await resolve('printer.local')
    expect(onThreads).toEqual(['localhost', 'consumer.localhost', 'printer.local'])
    expect(server.questions).toEqual([])
  })

  it('in the hosts file goes to the system, whatever name servers say', async () => {
    await using folder = await temporaryFolder()
    await using server = await testNameServer(() => ['192.0.2.1'])
    const hostsFile = join(folder.path, 'hosts')
    await writeFile(
      hostsFile,
      '127.0.0.1 localhost\n10.0.0.7\tInside.Example alias.example # other.example\n',
    )
    const resolve = resolverOf({ timeoutMs: 60_000, servers: [server.address], hostsFile })
    await resolve('inside.example')
    await resolve('ALIAS.example.')
    expect(onThreads).toEqual(['inside.example', 'ALIAS.example.'])
    expect(server.questions).toEqual([])
    await resolve('other.example')
    expect(server.questions).toHaveLength(2)
  })

  it('that the servers do not know goes to the system, which may know it otherwise', async () => {
    await using server = await testNameServer(() => 'unknown')
    const resolve = resolverOf({ timeoutMs: 60_000, servers: [server.address] })
    expect(await resolve('nowhere.invalid')).toMatch(/^E/)
    expect(onThreads).toEqual(['nowhere.invalid'])
  })

  it.each([
    ['fail', 'failing', 'ESERVFAIL'],
    ['are silent', 'silent', 'ETIMEOUT'],
  ] as const)('whose servers %s occupies no thread', async (_what, reply, code) => {
    await using server = await testNameServer(() => reply)
    const resolve = resolverOf({ timeoutMs: 300, servers: [server.address] })
    expect(await resolve('shop.example')).toBe(code)
    expect(onThreads).toEqual([])
  })

  it('that leads inside is refused, wherever it was looked up', async () => {
    await using server = await testNameServer((name) =>
      name === 'mixed.example' ? ['1.1.1.1', '10.0.0.1'] : ['1.1.1.1'],
    )
    const lookupAll = createResolver({ timeoutMs: 60_000, servers: [server.address] })
    const lookup = createGuardedLookup(createAddressPolicy([]), 60_000, lookupAll)(1)
    const outcomeOf = (name: string) =>
      new Promise((resolve) => lookup(name, { all: true }, (error, found) => resolve(error?.code ?? found)))
    expect(await outcomeOf('good.example')).toEqual([{ address: '1.1.1.1', family: 4 }])
    expect(await outcomeOf('mixed.example')).toBe('X_FORBIDDEN_ADDRESS')
    expect(await outcomeOf('localhost')).toBe('X_FORBIDDEN_ADDRESS')
  })
})

it('resolves a name of a tenant while 300 of another are not', async () => {
  await using server = await testNameServer((name) => (name === 'shop.example' ? ['192.0.2.1'] : 'silent'))
  const resolve = resolverOf({ timeoutMs: 8_000, servers: [server.address] })
  const silent = Array.from({ length: 300 }, (_, index) => resolve(`silent-${index}.example`, 1))
  let givenUp = 0
  for (const one of silent) void one.then(() => (givenUp += 1))
  expect(await resolve('shop.example', 2)).toEqual([{ address: '192.0.2.1', family: 4 }])
  expect(await resolve('localhost', 2)).toContainEqual({ address: '127.0.0.1', family: 4 })
  expect(givenUp, 'names that were waited for').toBe(0)
  // A tenant alone has half of the slots: 32 names, by two questions each.
  const asked = new Set(server.questions.map((question) => question.split(' ')[1]))
  expect(asked.size).toBe(33)
  expect(onThreads).toEqual(['localhost'])
  expect(new Set(await Promise.all(silent))).toEqual(new Set(['ETIMEOUT']))
})
