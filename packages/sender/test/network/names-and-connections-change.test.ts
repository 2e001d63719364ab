import type { Socket } from 'node:net'
import { testConsumer, waitFor } from '@x/testkit'
import { describe, expect, it, vi } from 'vitest'
import { limitLookups } from '../../src/http/lookup.ts'
import { type HostOptions, type OpenHost, site, startHost } from '../open-host.ts'
import { rawServer } from '../raw-server.ts'

const OK = 'HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n'
const loopback = ['127.0.0.0/8', '::1/128']

async function hostFor(url: string, options: HostOptions = {}) {
  const host = await startHost(options)
  const { endpoint } = await host.sender.endpoints.create({ tenantId: 1, url, concurrency: 1 })
  let count = 0
  return {
    host,
    /** Raises one event, and waits for the first attempt to deliver it. */
    async deliver() {
      const { id: eventId } = await host.engine.syncManager.addSyncEvent(site, 'File', ++count, 'Download')
      return waitFor(async () => {
        const all = await host.sender.deliveries.list({ tenantId: 1, endpointId: endpoint.id })
        const one = all.find((delivery) => delivery.eventId === eventId)
        return (
          one &&
          (one.attemptCount > 0 || one.lastErrorCode !== undefined) &&
          host.sender.deliveries.get(one.id)
        )
      }, 'an attempt')
    },
    async [Symbol.asyncDispose]() {
      await host[Symbol.asyncDispose]()
    },
  }
}

describe('a name', () => {
  /** Resolves as the test says, the last one again and again. */
  function resolving(...answers: string[][]) {
    const asked: string[] = []
    const resolve = async (hostname: string) => {
      asked.push(hostname)
      return answers[Math.min(asked.length, answers.length) - 1] ?? []
    }
    return { asked, network: { allow: loopback, resolve } }
  }

  it('that comes to lead inside is refused at the next connection; the one that is open was vetted', async () => {
    await using server = await rawServer((socket) => socket.write(OK))
    const { asked, network } = resolving(['127.0.0.1'], ['10.0.0.1'])
    const url = server.url.replace('127.0.0.1', 'rebinding.example')
    await using test = await hostFor(url, { network })
    expect(await test.deliver()).toMatchObject({ state: 'succeeded' })
    expect(await test.deliver()).toMatchObject({ state: 'succeeded' })
    expect({ asked: asked.length, connections: server.received.length }).toEqual({ asked: 1, connections: 1 })
    // The consumer ends the connection that is kept open.
    server.closeConnections()
    await waitFor(() => server.open === 0, 'the connection to end')
    expect(await test.deliver()).toMatchObject({ state: 'pending', lastErrorCode: 'forbidden_address' })
    expect({ asked: asked.length, connections: server.received.length }).toEqual({ asked: 2, connections: 1 })
  })

  it.each([
    ['one public and one private address', ['127.0.0.1', '10.0.0.1'], 'forbidden_address'],
    ['what is no address', ['nonsense'], 'forbidden_address'],
    ['none', [], 'dns_failure'],
  ])('that has %s is not connected to', async (_what, addresses, code) => {
    await using server = await rawServer((socket) => socket.write(OK))
    const { network } = resolving(addresses)
    await using test = await hostFor(server.url.replace('127.0.0.1', 'odd.example'), { network })
    expect(await test.deliver()).toMatchObject({ state: 'pending', lastErrorCode: code })
    expect(server.received).toHaveLength(0)
  })

  it('whose name servers do not answer ends like one whose name servers fail, and is asked for once', async () => {
    await using good = await testConsumer()
    const asked: string[] = []
    const resolve = (hostname: string) => {
      asked.push(hostname)
      return new Promise<string[]>(() => {})
    }
    const options = { network: { allow: loopback, resolve }, connectTimeoutMs: 3_000 }
    await using test = await hostFor('http://silent.example/', options)
    const { sender, engine } = test.host
    const others = ['/a', '/b', '/c'].map((path) => `http://silent.example${path}`)
    for (const url of others) await sender.endpoints.create({ tenantId: 1, url, eventTypes: ['Page.*'] })
    await sender.endpoints.create({ tenantId: 1, url: good.url, eventTypes: ['Page.*'] })
    await engine.syncManager.addSyncEvent(site, 'Page', 1, 'Update')
    await good.received(1)
    const failed = await waitFor(async () => {
      const all = await sender.deliveries.list({ tenantId: 1, state: 'pending' })
      return all.length === 4 && all.every(({ lastErrorCode }) => lastErrorCode !== undefined) && all
    }, 'four attempts')
    expect(failed.map(({ lastErrorCode }) => lastErrorCode)).toEqual(Array(4).fill('dns_unavailable'))
    expect(asked).toEqual(['silent.example'])
  })

  it('whose name servers are slow is reached', async () => {
    await using server = await rawServer((socket) => socket.write(OK))
    let tell: (addresses: string[]) => void = () => {}
    const resolve = () => new Promise<string[]>((resolved) => (tell = resolved))
    await using test = await hostFor(server.url.replace('127.0.0.1', 'slow.example'), {
      network: { allow: loopback, resolve },
    })
    const delivering = test.deliver()
    await waitFor(async () => (await test.host.sender.stats()).inFlight === 1, 'the attempt')
    tell(['127.0.0.1'])
    expect(await delivering).toMatchObject({ state: 'succeeded' })
  })
})

describe('names that the system resolves', () => {
  /** A resolver that answers when it is told to. */
  function slowResolver() {
    const asked = new Map<string, () => void>()
    const resolve = limitLookups((name, _options, answer) => {
      asked.set(name, () => answer(null, [{ address: '127.0.0.1', family: 4 }]))
    }, 2)
    const answered: string[] = []
    return {
      asked,
      answered,
      want: (name: string, tenantId = 1) =>
        resolve(name, { tenantId }, (error) => answered.push(error ? `no ${name}` : name)),
    }
  }

  it('do not take all threads when their servers do not answer', () => {
    const now = vi.spyOn(performance, 'now').mockReturnValue(0)
    const { asked, answered, want } = slowResolver()
    want('good')
    asked.get('good')?.()
    for (const name of ['a', 'b', 'c']) want(name)
    expect([...asked.keys()]).toEqual(['good', 'a'])
    // What is known to be fast goes before them.
    asked.delete('good')
    want('good')
    expect(asked.has('good')).toBe(true)
    // Those that turn out to be slow go after those that nobody knows.
    now.mockReturnValue(5_000)
    asked.get('a')?.()
    asked.delete('a')
    want('a')
    asked.get('b')?.()
    expect([asked.has('c'), asked.has('a')]).toEqual([true, false])
    asked.get('c')?.()
    expect(asked.has('a')).toBe(true)
    // Whoever waits for too long is told so, instead of being asked for in vain.
    want('e')
    now.mockReturnValue(60_000)
    asked.get('a')?.()
    expect(asked.has('e')).toBe(false)
    expect(answered).toEqual(['good', 'a', 'b', 'c', 'no e', 'a'])
    now.mockRestore()
  })

  it('leave a slot to another tenant, however many names of the first do not resolve', () => {
    const { asked, answered, want } = slowResolver()
    for (let index = 0; index < 300; index++) want(`nowhere-${index}`, 1)
    want('shop', 2)
    expect([...asked.keys()]).toEqual(['nowhere-0', 'shop'])
    asked.get('shop')?.()
    expect(answered).toEqual(['shop'])
  })
})

describe('a connection that is kept open', () => {
  const ids = (received: readonly string[]) =>
    received.map((text) => [...text.matchAll(/webhook-id: (\S+)/g)].map(([, id]) => id))

  it.each<[string, (server: { resetAndDestroy(): void; end(): void }) => void]>([
    ['closed', (socket) => socket.end()],
    ['reset', (socket) => socket.resetAndDestroy()],
  ])('and is %s just when it is used again costs no attempt', async (_what, cutOff) => {
    await using server = await rawServer((socket, request, connection) => {
      if (connection === 0 && request === 2) cutOff(socket)
      else socket.write(OK)
    })
    await using test = await hostFor(server.url)
    expect(await test.deliver()).toMatchObject({ state: 'succeeded', attemptCount: 1 })
    const second = await test.deliver()
    expect(second).toMatchObject({ state: 'succeeded', attemptCount: 1 })
    // Sent on the old connection, where nobody may have read it, and on a new one, with the same id.
    expect(ids(server.received)).toEqual([[expect.any(String), second.eventId], [second.eventId]])
  })

  it('and others like it that are closed as well cost no attempt', async () => {
    let held: Socket[] = []
    await using server = await rawServer((socket, request, connection) => {
      if (request > 1) socket.resetAndDestroy()
      else if (connection >= 3) socket.write(OK)
      else held.push(socket)
      // Three at once, on three connections, which are kept open then.
      if (held.length < 3) return
      for (const one of held) one.write(OK)
      held = []
    })
    await using host = await startHost()
    await host.sender.endpoints.create({ tenantId: 1, url: server.url, concurrency: { min: 3, max: 3 } })
    for (let id = 0; id < 3; id++) await host.engine.syncManager.addSyncEvent(site, 'File', id, 'Create')
    await host.sender.drain()
    await host.engine.syncManager.addSyncEvent(site, 'File', 3, 'Create')
    await host.sender.drain()
    expect(await host.sender.stats()).toMatchObject({ sinceStart: { attempts: 4, succeeded: 4 } })
    // The last one went over more than one of the old ones before it went over a new one.
    const requests = server.received.map((text) => text.split('webhook-id').length - 1)
    expect(requests.filter((count) => count === 2).length).toBeGreaterThan(1)
    expect(requests.at(-1)).toBe(1)
  })

  it('and is lost in the middle of an answer is not used twice', async () => {
    await using server = await rawServer((socket, request) => {
      if (request === 1) socket.write(OK)
      else socket.end('HTTP/1.1 200 O')
    })
    await using test = await hostFor(server.url)
    await test.deliver()
    expect(await test.deliver()).toMatchObject({ attemptCount: 1, lastErrorCode: 'connection_lost' })
    expect(server.received).toHaveLength(1)
  })

  it('and loses the new one, too, is given up', async () => {
    await using server = await rawServer((socket, request, connection) => {
      if (connection === 0 && request === 1) socket.write(OK)
      else socket.end()
    })
    await using test = await hostFor(server.url)
    await test.deliver()
    expect(await test.deliver()).toMatchObject({ attemptCount: 1, lastErrorCode: 'connection_lost' })
    expect(server.received).toHaveLength(2)
  })

  it('and was closed while it was idle is not used again', async () => {
    await using server = await rawServer((socket, _request, connection) => {
      socket.write(OK)
      if (connection === 0) socket.end()
    })
    await using test = await hostFor(server.url)
    for (let count = 0; count < 3; count++) {
      expect(await test.deliver()).toMatchObject({ state: 'succeeded', attemptCount: 1 })
    }
    expect(server.received).toHaveLength(2)
  })
})

async function refusedAt(host: OpenHost, network: HostOptions['network']) {
  await host.sender.stop()
  await host.engine.stop()
  const strict = await host.openAnother({ network })
  await strict.engine.syncManager.addSyncEvent(site, 'File', 1, 'Download')
  await strict.start()
  const delivery = await waitFor(async () => {
    const [one] = await strict.sender.deliveries.list({ tenantId: 1 })
    return one && one.attemptCount > 0 && strict.sender.deliveries.get(one.id)
  }, 'an attempt')
  await strict[Symbol.asyncDispose]()
  return delivery
}

describe('rules that have become stricter', () => {
  it('hold for what was saved before: no request is sent, and an attempt tells why', async () => {
    await using consumer = await testConsumer()
    await using host = await startHost()
    await host.sender.endpoints.create({ tenantId: 1, url: consumer.url })
    const strict = { allow: loopback, httpsOnly: true }
    const delivery = await refusedAt(host, strict)
    expect(delivery).toMatchObject({
      state: 'pending',
      attempts: [
        { errorCode: 'forbidden_url', errorMessage: expect.stringContaining('must begin with https:') },
      ],
    })
    expect(consumer.requests).toHaveLength(0)
  })

  it('do not get in the way of what changes something else', async () => {
    await using host = await startHost()
    const url = 'http://127.0.0.1:8080/'
    const { endpoint } = await host.sender.endpoints.create({ tenantId: 1, url })
    await using strict = await host.openAnother({ network: { allow: loopback, httpsOnly: true } })
    const change = { description: 'old' }
    expect(await strict.sender.endpoints.update(endpoint.id, change)).toMatchObject({ url, ...change })
    const again = strict.sender.endpoints.update(endpoint.id, { url })
    await expect(again).rejects.toMatchObject({ code: 'invalid_url' })
  })

  it('hold for ports', async () => {
    await using host = await startHost({ network: { allow: loopback, allowPorts: [25] } })
    await host.sender.endpoints.create({ tenantId: 1, url: 'http://127.0.0.1:25/' })
    expect(await refusedAt(host, { allow: loopback })).toMatchObject({ lastErrorCode: 'forbidden_url' })
  })
})

describe('ports', () => {
  it.each([1, 22, 25, 81, 1_023])(
    'below 1024 such as %i are refused, unless they are opened',
    async (port) => {
      await using host = await startHost()
      const url = `http://127.0.0.1:${port}/`
      const creating = host.sender.endpoints.create({ tenantId: 1, url })
      await expect(creating).rejects.toMatchObject({ code: 'invalid_url', field: 'url' })
      await using open = await host.openAnother({ network: { allow: loopback, allowPorts: [port] } })
      await expect(open.sender.endpoints.create({ tenantId: 1, url })).resolves.toMatchObject({
        endpoint: { url },
      })
    },
  )

  it.each([
    'http://127.0.0.1/',
    'http://127.0.0.1:443/',
    'http://127.0.0.1:1024/',
    'https://127.0.0.1:65535/',
  ])('are as in %s', async (url) => {
    await using host = await startHost()
    await expect(host.sender.endpoints.create({ tenantId: 1, url })).resolves.toBeDefined()
  })
})
