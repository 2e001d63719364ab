import { IN_FLIGHT } from './post-loop.ts'

/** How a job's body is sent. */
export type Send = (index: number, body: string) => Promise<void>

/** A job queue that sends webhooks, as somebody would write it. */
export interface QueuePeer extends AsyncDisposable {
  /** Adds so many jobs and waits until each is sent, and known to be. */
  run(jobs: number): Promise<number>
}

/** As the guides show it: the global `fetch`. */
export function fetchTo(origins: readonly string[]): Send {
  return async (index, body) => {
    const answer = await fetch(`${origins[index % origins.length]}/hook`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    })
    await answer.arrayBuffer()
  }
}

/** Measures from the first job's adding to the last one's end. */
export async function timed(jobs: number, work: () => Promise<void>): Promise<number> {
  const start = performance.now()
  await work()
  return (jobs * 1_000) / (performance.now() - start)
}

/** As many at once as the others have in flight. */
export function inParallel(work: (worker: number) => Promise<void>, workers = IN_FLIGHT): Promise<unknown> {
  return Promise.all(Array.from({ length: workers }, (_, worker) => work(worker)))
}

/** The parts of a number: so many each, and the rest. */
export function partsOf(count: number, size: number): number[] {
  return Array.from({ length: Math.ceil(count / size) }, (_, index) => Math.min(size, count - index * size))
}
