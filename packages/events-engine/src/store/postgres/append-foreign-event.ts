import { LOG_ID } from '../../migrations/log-state.ts'
import type { ForeignTransaction } from '../../raise/foreign-transaction.ts'
import type { EventRow } from '../event-row.ts'
import type { TableNames } from '../table-names.ts'
import { COLUMNS, VALUES, valuesOf } from './append-event.ts'

/**
 * The way into the log for transactions of other libraries. Their connections may lead to another
 * database, and Kysely cannot tell: so the statement itself looks whether it has come to the log that
 * is meant, and otherwise writes nothing and leaves the transaction as it was.
 */
export function appendForeignStatement(names: TableNames) {
  const checked = `insert into ${names.syncEvent} (${COLUMNS}) select ${VALUES}
    from ${names.logState} where ${LOG_ID} = coalesce($10::text, ${LOG_ID})`

  /**
   * @param logId - undefined where it is not known yet: then any log will do.
   * @returns false when the transaction is one of another log.
   */
  return async (trx: ForeignTransaction, row: EventRow, logId: string | undefined): Promise<boolean> =>
    Number(await trx.execute(checked, [...valuesOf(row), logId ?? null])) === 1
}
