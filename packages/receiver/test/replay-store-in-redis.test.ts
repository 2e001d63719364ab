import { waitFor } from '@x/testkit'
import { Redis } from 'ioredis'
import { createClient } from 'redis'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type IoRedisClient, type NodeRedisClient, redisReplayStore } from '../src/redis.ts'
import { isRedisAvailable, type RedisServer, redisServer } from './redis-server.ts'
import { replayStoreContract } from './replay-store-contract.ts'

if (!isRedisAvailable) {
  process.stderr.write(
    '\n*** The replay store in Redis was NOT TESTED: install redis-server or valkey-server, or set TEST_REDIS_URL. ***\n\n',
  )
}

async function openIoRedis(url: string) {
  const client = new Redis(url)
  return { client, close: async () => void client.disconnect() }
}

async function openNodeRedis(url: string) {
  const client = createClient({ url })
  await client.connect()
  return { client, close: async () => client.destroy() }
}

describe.skipIf(!isRedisAvailable)('a store in Redis', () => {
  let server: RedisServer
  beforeAll(async () => {
    server = await redisServer()
  })
  afterAll(() => server?.[Symbol.asyncDispose]())

  describe.each([
    { name: 'ioredis', connect: openIoRedis },
    { name: 'node-redis', connect: openNodeRedis },
  ])('through $name', ({ connect }) => {
    let connection: { readonly client: IoRedisClient | NodeRedisClient; close(): Promise<void> }
    const keyPrefix = `test-${Math.random()}`
    beforeAll(async () => {
      connection = await connect(server.url)
    })
    afterAll(() => connection?.close())

    replayStoreContract(() => ({
      open: (options) => redisReplayStore(connection.client, { keyPrefix, ...options }),
      // The server's clock is its own.
      pass: async (seconds) => {
        const from = Date.now()
        await waitFor(() => Date.now() - from >= seconds * 1000, 'time to pass')
      },
    }))

    it('keeps the ids of two receivers apart', async () => {
      const [one, other] = ['one', 'other'].map((scope) =>
        redisReplayStore(connection.client, { keyPrefix, scope }),
      )
      expect(await one?.begin('same', '1')).toBe('new')
      expect(await other?.begin('same', '1')).toBe('new')
    })

    it('has Redis drop what is done after four days, and a claim after five minutes', async () => {
      const probe = new Redis(server.url)
      const store = redisReplayStore(connection.client, { keyPrefix })
      await store.begin('timed', '1')
      const key = `${keyPrefix}:default:timed`
      expect(await probe.pttl(key)).toBeGreaterThan(299_000)
      expect(await probe.pttl(key)).toBeLessThanOrEqual(300_000)
      await store.complete('timed', '1')
      expect(await probe.pttl(key)).toBeGreaterThan(76 * 3_600_000)
      probe.disconnect()
    })
  })
})
