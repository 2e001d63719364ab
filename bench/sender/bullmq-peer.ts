import { Queue, Worker } from 'bullmq'
import { IN_FLIGHT } from './post-loop.ts'
import { partsOf, type QueuePeer, type Send, timed } from './queue-peer.ts'
import type { BenchRedis } from './redis.ts'

interface Job {
  readonly index: number
  readonly body: string
}

const ADDED_AT_ONCE = 500

/**
 * BullMQ: one worker with as many jobs at once as the others have in flight.
 *
 * @param adds - hand-tuned: hundreds of jobs a call; as its guide shows it: one a call.
 */
export async function openBullmq(
  redis: BenchRedis,
  name: string,
  send: Send,
  body: string,
  adds: 'many' | 'one',
): Promise<QueuePeer> {
  const connection = { host: redis.host, port: redis.port }
  const queue = new Queue<Job>(name, { connection })
  let left = 0
  let whenDone = () => {}
  const worker = new Worker<Job>(name, ({ data }) => send(data.index, data.body), {
    connection,
    concurrency: IN_FLIGHT,
    removeOnComplete: { count: 0 },
  })
  worker.on('completed', () => {
    left -= 1
    if (left === 0) whenDone()
  })
  await worker.waitUntilReady()

  return {
    run: (jobs) =>
      timed(jobs, async () => {
        const done = new Promise<void>((resolve) => {
          whenDone = resolve
        })
        left = jobs
        let index = 0
        for (const part of partsOf(jobs, adds === 'many' ? ADDED_AT_ONCE : 1)) {
          const added = Array.from({ length: part }, () => ({
            name: 'webhook',
            data: { index: index++, body },
          }))
          if (adds === 'many') await queue.addBulk(added)
          else for (const one of added) await queue.add(one.name, one.data)
        }
        await done
      }),
    async [Symbol.asyncDispose]() {
      await worker.close()
      await queue.close()
    },
  }
}
