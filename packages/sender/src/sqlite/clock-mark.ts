import { runStatement, type SqlExecutor } from '@x/events-engine/support'
import { MARK_EVERY_MS } from '../clock.ts'
import type { TableNames } from '../table-names.ts'

/** Stores the latest time that any process has gone by, so that one that starts finds out that the clock was set back. */
export type NoteClock = (executor: SqlExecutor, now: number) => Promise<void>

export function createClockMark(names: TableNames): NoteClock {
  const note = `update ${names.reconciliation} set clock_on = ? where id = 1 and clock_on < ?`
  let noted = 0
  return async (executor, now) => {
    if (now >= noted && now < noted + MARK_EVERY_MS) return
    await runStatement(executor, note, [now, now])
    noted = now
  }
}
