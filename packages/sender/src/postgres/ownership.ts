import { countChanges, runStatement, type SqlExecutor } from '@x/events-engine/support'
import type { TableNames } from '../table-names.ts'

/** Who owns an endpoint's URL, and that it gets nothing while that is not known. In transactions of the caller's. */
export function ownershipStatements(names: TableNames) {
  const demand = `update ${names.endpoint} set ownership = 'pending', enabled = false,
      disabled_reason = case when enabled then 'unverified' else disabled_reason end,
      disabled_on = case when enabled then $2 else disabled_on end
    where key = $1`
  const prove = `update ${names.endpoint} set ownership = 'verified', version = version + 1, updated_on = $3,
      enabled = enabled or coalesce(disabled_reason = 'unverified', false),
      disabled_on = case when disabled_reason = 'unverified' then null else disabled_on end,
      disabled_reason = nullif(disabled_reason, 'unverified')
    where key = $1 and url = $2 and deleted_on is null`

  return {
    /** The endpoint gets nothing until its owner has answered. */
    async demandProof(trx: SqlExecutor, endpointKey: number, now: number): Promise<void> {
      await runStatement(trx, demand, [endpointKey, now])
    },
    /** @returns false when the endpoint has another URL by now. */
    async storeProof(trx: SqlExecutor, endpointKey: number, url: string, now: number): Promise<boolean> {
      return (await countChanges(trx, prove, [endpointKey, url, now])) === 1
    },
  }
}
