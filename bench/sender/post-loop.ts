import { Pool } from 'undici'

/** What every contender sends: about 1 KB of JSON. */
export const BODY_TEXT = 'x'.repeat(860)
export const IN_FLIGHT = 64

const HEADERS = [
  ...['content-type', 'application/json', 'user-agent', 'x-events-bench'],
  ...['webhook-id', 'evt_01936d3e-7c1a-7b6e-8a51-5d2f9c1e4a7b', 'webhook-timestamp', '1700000000'],
  ...['webhook-signature', 'v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4='],
]

/** POSTs through undici's `Pool.request`, to one origin after the other. */
export interface Poster extends AsyncDisposable {
  post(index: number, body: Buffer | string): Promise<void>
}

/** Opens a pool for each origin. */
export function createPoster(origins: readonly string[]): Poster {
  const pools = origins.map((origin) => new Pool(origin))
  return {
    async post(index, body) {
      const pool = pools[index % pools.length] as Pool
      const answer = await pool.request({ path: '/hook', method: 'POST', headers: HEADERS, body })
      await answer.body.dump()
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(pools.map((pool) => pool.destroy()))
    },
  }
}

/** The same without anything else: the floor. */
export async function postLoop({ post }: Poster, requests: number): Promise<number> {
  const body = Buffer.from(JSON.stringify({ type: 'Page.Update', data: BODY_TEXT }))
  let next = 0
  const start = performance.now()
  await Promise.all(
    Array.from({ length: IN_FLIGHT }, async () => {
      for (let index = next++; index < requests; index = next++) await post(index, body)
    }),
  )
  return (requests * 1_000) / (performance.now() - start)
}
