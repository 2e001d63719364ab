import type { AttemptResult } from '../deliveries/attempt-result.ts'
import { createResultRecorder, type ResultRecorderParts } from './result-recorder.ts'

/** Writes results of attempts down, many in one transaction. */
export interface ResultWriter {
  /** Results that are not written yet. */
  readonly waiting: number
  /** Whether so many wait that no further attempt should begin. */
  readonly full: boolean
  /** @param urgent - others wait for it: no waiting for company. */
  add(result: AttemptResult, urgent: boolean): void
  /** Nothing else is coming soon: write now. */
  hurry(): void
  /** Whether results of an endpoint wait although writing has been tried, and has failed, for so long. */
  isFailing(endpointKey: number, forMs: number): boolean
  /** Resolves when everything is written, or when the time is over. */
  settled(timeoutMs: number): Promise<void>
}

const MAX_DELAY_MS = 5
const MAX_BATCH = 200
const MAX_WAITING = 2_000
const RETRY_MS = 250

/**
 * Results wait a few milliseconds for others. A crash before the commit repeats their attempts, with
 * the same message ids; the database being away only delays.
 */
export function createResultWriter(parts: ResultRecorderParts): ResultWriter {
  const { logger } = parts
  const recorder = createResultRecorder(parts)
  let waiting: AttemptResult[] = []
  let writing: Promise<void> | undefined
  let timer: NodeJS.Timeout | undefined
  let soon: NodeJS.Immediate | undefined
  /**
   * How many of them, the first, were to be written by a try that has failed. If only its answer was lost, they are
   * recorded: tried again with the same, and without others, that can be told.
   */
  let unclear = 0
  /** By `performance.now()`. */
  let failingSince: number | undefined

  async function write(): Promise<void> {
    while (waiting.length > 0) {
      const batch = waiting.slice(0, unclear || MAX_BATCH)
      unclear = batch.length
      const startedAt = performance.now()
      try {
        await recorder.record(batch, (part) => {
          waiting = waiting.slice(part.length)
          unclear -= part.length
        })
        failingSince = undefined
      } catch (error) {
        failingSince ??= startedAt
        logger.warn({ err: error, waiting: waiting.length }, 'Attempts could not be recorded; trying again')
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS))
      }
      // What came in meanwhile may wait for company again.
      if (waiting.length > 0 && waiting.length < MAX_BATCH && !hurried) break
    }
  }

  let hurried = false

  function flush(): void {
    clearTimeout(timer)
    clearImmediate(soon)
    timer = undefined
    soon = undefined
    if (writing) return
    writing = write().finally(() => {
      writing = undefined
      hurried = false
      if (waiting.length > 0) arm()
    })
  }

  function arm(): void {
    if (waiting.length >= MAX_BATCH) flush()
    else if (hurried) soon ??= setImmediate(flush)
    else timer ??= setTimeout(flush, MAX_DELAY_MS)
  }

  return {
    get waiting() {
      return waiting.length
    },
    get full() {
      return waiting.length >= MAX_WAITING
    },
    isFailing(endpointKey, forMs) {
      if (failingSince === undefined || performance.now() - failingSince < forMs) return false
      return waiting.some((result) => result.endpointKey === endpointKey)
    },
    add(result, urgent) {
      waiting.push(result)
      if (urgent) hurried = true
      if (!writing) arm()
    },
    hurry() {
      hurried = true
      if (waiting.length > 0) flush()
    },
    async settled(timeoutMs) {
      const deadline = performance.now() + timeoutMs
      while (waiting.length > 0 && performance.now() < deadline) {
        hurried = true
        flush()
        await Promise.race([writing, new Promise((resolve) => setTimeout(resolve, RETRY_MS))])
      }
    },
  }
}
