import type { Position } from '../store/event-store.ts'

/** One event on its way: told when it is behind us. */
export interface ProgressEntry {
  finish(): void
}

/** Knows up to where everything is finished, although events finish in any order. */
export interface Progress {
  /** Everything up to here is finished. */
  readonly reached: Position
  /** How many events were begun and lie behind `reached` for want of an earlier one. */
  readonly pending: number
  /** Begins the next event of the log. */
  begin(after: Position): ProgressEntry
  /** Whether an entry is the first one that is not finished. */
  isFirst(entry: ProgressEntry): boolean
}

interface Entry extends ProgressEntry {
  readonly after: Position
  finished: boolean
}

/** @param moved - called whenever `reached` has moved. */
export function createProgress(start: Position, moved: () => void): Progress {
  let reached = start
  // Finished ones are cut off in blocks: shifting each of them would be slow where many wait.
  let entries: Entry[] = []
  let first = 0

  function advance(): void {
    const before = first
    while (entries[first]?.finished) {
      reached = (entries[first] as Entry).after
      first += 1
    }
    if (first === before) return
    if (first > 1_000) {
      entries = entries.slice(first)
      first = 0
    }
    moved()
  }

  return {
    get reached() {
      return reached
    },
    get pending() {
      return entries.length - first
    },
    begin(after) {
      const entry: Entry = {
        after,
        finished: false,
        finish() {
          entry.finished = true
          advance()
        },
      }
      entries.push(entry)
      return entry
    },
    isFirst: (entry) => entries[first] === entry,
  }
}
