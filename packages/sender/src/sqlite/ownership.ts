import { countChanges, runStatement, type SqlExecutor } from '@x/events-engine/support'
import type { TableNames } from '../table-names.ts'

/** Who owns an endpoint's URL, and that it gets nothing while that is not known. In transactions of the caller's. */
export function ownershipStatements(names: TableNames) {
  const demand = `update ${names.endpoint} set ownership = 'pending', enabled = 0,
      disabled_reason = case enabled when 1 then 'unverified' else disabled_reason end,
      disabled_on = case enabled when 1 then ? else disabled_on end
    where key = ?`
  const prove = `update ${names.endpoint} set ownership = 'verified', version = version + 1, updated_on = ?,
      enabled = case disabled_reason when 'unverified' then 1 else enabled end,
      disabled_on = case disabled_reason when 'unverified' then null else disabled_on end,
      disabled_reason = nullif(disabled_reason, 'unverified')
    where key = ? and url = ? and deleted_on is null`

  return {
    /** The endpoint gets nothing until its owner has answered. */
    async demandProof(trx: SqlExecutor, endpointKey: number, now: number): Promise<void> {
      await runStatement(trx, demand, [now, endpointKey])
    },
    /** @returns false when the endpoint has another URL by now. */
    async storeProof(trx: SqlExecutor, endpointKey: number, url: string, now: number): Promise<boolean> {
      return (await countChanges(trx, prove, [now, endpointKey, url])) === 1
    },
  }
}
