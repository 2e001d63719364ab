import type { Assertion, FieldNames } from '@x/events-core'
import { createArgumentAssertion, createOptionAssertion } from './assert.ts'
import type { ReplayClaim, ReplayStore } from './replay-store.ts'
import { checkScope, REPLAY_TIME_NAMES, type ReplayTimes, resolveReplayTimes } from './replay-times.ts'

/** The part of an ioredis client that is needed. */
export interface IoRedisClient {
  defineCommand(name: string, definition: { lua: string }): void
  eval(script: string, keyCount: number, ...keysAndArguments: string[]): Promise<unknown>
}

/** The part of a node-redis client (package `redis`) that is needed. */
export interface NodeRedisClient {
  eval(script: string, options: { keys: string[]; arguments: string[] }): Promise<unknown>
}

/** Options of {@link redisReplayStore}. */
export interface RedisReplayStoreOptions extends ReplayTimes {
  /**
   * What keys begin with.
   *
   * @defaultValue 'webhook-replay'
   */
  readonly keyPrefix?: string | undefined
  /**
   * Keeps the ids of this receiver apart from those of others in the same database.
   *
   * @defaultValue 'default'
   */
  readonly scope?: string | undefined
}

const NAMES: FieldNames<RedisReplayStoreOptions> = { ...REPLAY_TIME_NAMES, keyPrefix: true, scope: true }
const assertOption: Assertion = createOptionAssertion('redisReplayStore')

// A token is a UUID, so that no claim looks like this.
const DONE = 'done'

// Each script runs as one step. The value of a key is the token of the claim, or DONE.
const BEGIN = `
local holder = redis.call('GET', KEYS[1])
if not holder then
  redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
  return 'new'
end
if holder == '${DONE}' then return 'done' end
return 'in_progress'`

// A claim that lapsed and that nobody took since is completed all the same: the message was handled.
const COMPLETE = `
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], '${DONE}', 'PX', ARGV[2])
return 1`

const RELEASE = `
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0`

function isIoRedis(client: IoRedisClient | NodeRedisClient): client is IoRedisClient {
  return 'defineCommand' in client
}

function assertClient(client: IoRedisClient | NodeRedisClient): void {
  const assertArgument: Assertion = createArgumentAssertion('redisReplayStore')
  assertArgument.methods('client', client, ['eval'])
}

/**
 * Keeps ids in Redis (or Valkey), through a client of your own, ioredis or node-redis. Each id is one
 * key that Redis itself drops when its time is over. Where Redis may evict keys or lose the last second
 * of writes, a message may be handled twice.
 *
 * @throws EventsError (`invalid_argument`) when an option cannot be used.
 *
 * @example
 * ```ts
 * import { Redis } from 'ioredis'
 * import { createReceiver, generateSecret } from '@x/receiver'
 * import { redisReplayStore } from '@x/receiver/redis'
 *
 * const redis = new Redis(process.env['REDIS_URL']!)
 * const receiver = createReceiver({ secrets: generateSecret(), replayStore: redisReplayStore(redis) })
 * ```
 */
export function redisReplayStore(
  client: IoRedisClient | NodeRedisClient,
  options: RedisReplayStoreOptions = {},
): ReplayStore {
  assertClient(client)
  assertOption.fields('', options, NAMES)
  const { keyPrefix = 'webhook-replay' } = options
  const { leaseMs, ttlMs } = resolveReplayTimes(assertOption, options)
  const scope = checkScope(assertOption, options.scope ?? 'default')
  assertOption(typeof keyPrefix === 'string', 'keyPrefix', 'a text', keyPrefix)
  const prefix = `${keyPrefix}:${scope}:`

  async function run(script: string, id: string, ...values: string[]): Promise<unknown> {
    const key = prefix + id
    return isIoRedis(client)
      ? client.eval(script, 1, key, ...values)
      : client.eval(script, { keys: [key], arguments: values })
  }

  return {
    // The script answers one of these and nothing else.
    begin: async (id, token) => String(await run(BEGIN, id, token, String(leaseMs))) as ReplayClaim,
    async complete(id, token) {
      await run(COMPLETE, id, token, String(ttlMs))
    },
    async release(id, token) {
      await run(RELEASE, id, token)
    },
  }
}
