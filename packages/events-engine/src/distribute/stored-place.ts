import type { Position } from '../store/position.ts'
import type { Fence } from '../store/save-position.ts'

/** A place in the log, and how many events of the run lie before it. */
export interface Mark {
  readonly position: Position
  readonly count: number
}

/**
 * What is stored of a subscription that is handled ahead, as far as this process knows: the response of a write may be
 * lost, and the write may be done even later, when others were done after it.
 */
export class StoredPlace {
  #mark: Mark
  #ahead: number
  #storedAt = Number.NEGATIVE_INFINITY
  #mayBeStored: ReadonlySet<Position>

  /** @param ahead - how many events after it may have effects that are stored. */
  constructor(mark: Mark, ahead: number) {
    this.#mark = mark
    this.#ahead = ahead
    this.#mayBeStored = new Set([mark.position])
  }

  get mark(): Mark {
    return this.#mark
  }

  /** How many events after it may have effects that are stored: no more than the database says. */
  get ahead(): number {
    return this.#ahead
  }

  get ageMs(): number {
    return performance.now() - this.#storedAt
  }

  /** The fence of a write that counts only where none was done since of which nothing is known here. */
  fenced(fence: Fence): Fence {
    return { ...fence, at: [...this.#mayBeStored] }
  }

  /** A write begins. */
  begin(mark: Mark, ahead: number): void {
    this.#mayBeStored = new Set([...this.#mayBeStored, mark.position])
    this.#ahead = Math.min(this.#ahead, ahead)
  }

  /** It is committed. */
  end(mark: Mark, ahead: number): void {
    this.#mark = mark
    this.#ahead = ahead
    this.#storedAt = performance.now()
    this.#mayBeStored = new Set([mark.position])
  }
}
