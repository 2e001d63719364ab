import PgBoss from 'pg-boss'
import { IN_FLIGHT } from './post-loop.ts'
import { inParallel, partsOf, type QueuePeer, type Send, timed } from './queue-peer.ts'

interface Job {
  readonly index: number
  readonly body: string
}

const ADDED_AT_ONCE = 500
const FETCHED_AT_ONCE = 100
const FETCHERS = 2
const WAIT_MS = 5

/**
 * pg-boss. Hand-tuned: jobs are inserted, fetched and completed in hundreds, without waiting for its poll of half a second or
 * more. One a call: as its guide shows it, but for that poll, which would be all that is measured.
 */
export async function openPgBoss(
  connectionString: string,
  name: string,
  send: Send,
  body: string,
  how: 'many' | 'one',
): Promise<QueuePeer> {
  const boss = new PgBoss({ connectionString, max: 20 })
  boss.on('error', () => {})
  await boss.start()
  await boss.createQueue(name)
  const batchSize = how === 'many' ? FETCHED_AT_ONCE : 1

  async function add(jobs: number): Promise<void> {
    let index = 0
    for (const part of partsOf(jobs, how === 'many' ? ADDED_AT_ONCE : 1)) {
      const added = Array.from({ length: part }, () => ({ name, data: { index: index++, body } }))
      if (how === 'many') await boss.insert(added)
      else for (const { data } of added) await boss.send(name, data)
    }
  }

  return {
    run: (jobs) =>
      timed(jobs, async () => {
        let left = jobs
        const work = async () => {
          while (left > 0) {
            const fetched = await boss.fetch<Job>(name, { batchSize })
            if (fetched.length === 0) {
              await new Promise((resolve) => setTimeout(resolve, WAIT_MS))
              continue
            }
            await Promise.all(fetched.map(({ data }) => send(data.index, data.body)))
            await boss.complete(
              name,
              fetched.map(({ id }) => id),
            )
            left -= fetched.length
          }
        }
        await Promise.all([add(jobs), inParallel(work, how === 'many' ? FETCHERS : IN_FLIGHT)])
      }),
    async [Symbol.asyncDispose]() {
      await boss.stop({ graceful: false })
    },
  }
}
