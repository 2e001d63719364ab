/**
 * Tells whose fault an unclear failure is. A resolver that does not answer and a network that cannot be
 * reached look the same whether this machine is cut off or the consumer is; but who is cut off gets no
 * answer from anybody else either.
 */
export interface FailureAttribution {
  /** Somebody has answered, with whatever status. */
  answered(origin: string): void
  /** Whether nobody else has answered lately. */
  isAlone(origin: string): boolean
}

const LATELY_MS = 30_000

/** Remembers who answered last, and who before that was somebody else. */
export function createFailureAttribution(): FailureAttribution {
  let last = { origin: '', at: Number.NEGATIVE_INFINITY }
  let other = last

  return {
    answered(origin) {
      if (last.origin !== origin) other = last
      last = { origin, at: performance.now() }
    },
    isAlone(origin) {
      const { at } = last.origin === origin ? other : last
      return performance.now() - at > LATELY_MS
    },
  }
}
