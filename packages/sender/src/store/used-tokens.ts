import { countChanges, runStatement } from '@x/events-engine/internal'
import type { StoreContext } from './context.ts'

// Whoever checks a token's time has a clock of their own.
const KEPT_MS = 24 * 3_600_000

/** Tokens that are good once, of hosts' own. */
export function usedTokenStore({ db, sql, names }: StoreContext) {
  const forget = sql.statement(`delete from ${names.usedToken} where expires_on < $1`)
  const use = sql.statement(
    `insert into ${names.usedToken} (id, expires_on) values ($1, $2)${sql.upsert({ key: 'id' })}`,
  )

  return {
    /** @returns false when the token has been used before. */
    async useToken(id: string, expiresOn: number, now: number): Promise<boolean> {
      await runStatement(db, forget, [now - KEPT_MS])
      return (await countChanges(db, use, [id, expiresOn])) === 1
    },
  }
}
