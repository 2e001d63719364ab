import type { EventStore } from '../store/event-store.ts'
import type { Position } from '../store/position.ts'
import type { Fence } from '../store/save-position.ts'
import { assertLease } from './call.ts'

/** Saves the position of a subscription: often, but not for every event. */
export interface PositionSaver {
  /** Events were handled up to here: saved within {@link HANDLED_DELAY_MS}. */
  handled(position: Position): void
  /** Unwanted events were passed over up to here: cheap to read again, so saved within {@link PASSED_DELAY_MS}. */
  passed(position: Position): void
  /** Saves now. */
  flush(): Promise<void>
  /** Cancels a save that has not begun. */
  cancel(): void
  /**
   * Waits for a save that is under way, and begins none. Call it before a transaction moves the position, which a late
   * save would put back.
   *
   * @returns the position as it is stored.
   */
  settled(): Promise<Position>
  /** A transaction has moved the stored position. */
  moved(position: Position): void
}

const HANDLED_DELAY_MS = 50
/** A save begins at the latest after so many events, so that a crash repeats few. */
const HANDLED_MAX_UNSAVED = 100
const PASSED_DELAY_MS = 1_000

/** @param failed - called with the error of a save in the background. */
export function createPositionSaver(
  store: EventStore,
  fence: Fence,
  start: Position,
  failed: (error: unknown) => void,
): PositionSaver {
  let reached = start
  let saved = start
  let saving: Promise<void> = Promise.resolve()
  let timer: NodeJS.Timeout | undefined
  let dueAt = Number.POSITIVE_INFINITY
  let unsaved = 0

  async function save(): Promise<void> {
    if (saved === reached) return
    const position = reached
    unsaved = 0
    assertLease(fence.name, await store.savePosition(fence, position))
    saved = position
  }

  function saveSoon(position: Position, delayMs: number): void {
    reached = position
    const due = performance.now() + delayMs
    if (due >= dueAt) return
    clearTimeout(timer)
    dueAt = due
    timer = setTimeout(() => {
      flush().catch(failed)
    }, delayMs)
  }

  function cancel(): void {
    clearTimeout(timer)
    dueAt = Number.POSITIVE_INFINITY
  }

  function flush(): Promise<void> {
    cancel()
    saving = saving.then(save)
    return saving
  }

  return {
    handled(position) {
      unsaved += 1
      saveSoon(position, unsaved % HANDLED_MAX_UNSAVED === 0 ? 0 : HANDLED_DELAY_MS)
    },
    passed: (position) => saveSoon(position, PASSED_DELAY_MS),
    flush,
    cancel,
    async settled() {
      cancel()
      await saving
      return saved
    },
    moved(position) {
      reached = position
      saved = position
    },
  }
}
