import { countChanges, integer, readRows, runStatement } from '@x/events-engine/internal'
import type { StoreContext } from './context.ts'

// Tokens are checked by other machines, whose clocks may be behind.
const KEPT_MS = 24 * 3_600_000

/** Tokens of hosts' own: those that are good once, and how often those of a scope were revoked. */
export function usedTokenStore({ db, sql, names }: StoreContext) {
  const forget = sql.statement(`delete from ${names.usedToken} where expires_on < $1`)
  const use = sql.statement(
    `insert into ${names.usedToken} (id, expires_on) values ($1, $2)${sql.upsert({ key: 'id' })}`,
  )
  const read = sql.statement(`select epoch from ${names.tokenEpoch} where scope = $1`)
  const raise = sql.statement(`insert into ${names.tokenEpoch} as t (scope, epoch) values ($1, 1)
    on conflict (scope) do update set epoch = t.epoch + 1`)

  return {
    /** @returns false when the token has been used before. */
    async useToken(id: string, expiresOn: number, now: number): Promise<boolean> {
      await runStatement(db, forget, [now - KEPT_MS])
      return (await countChanges(db, use, [id, expiresOn])) === 1
    },

    async readTokenEpoch(scope: string): Promise<number> {
      const [row] = await readRows(db, { epoch: integer }, read, [scope])
      return row?.epoch ?? 0
    },

    async raiseTokenEpoch(scope: string): Promise<void> {
      await runStatement(db, raise, [scope])
    },
  }
}
