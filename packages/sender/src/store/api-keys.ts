import {
  countChanges,
  findsRow,
  integer,
  nullable,
  ownTransaction,
  type RowOf,
  readRows,
  runStatement,
  text,
} from '@x/events-engine/internal'
import { auditWriter } from './audit-log.ts'
import type { StoreContext } from './context.ts'

/** A key that a consumer reads messages with, as it is stored: its text is not. */
export interface NewApiKeyRow {
  readonly id: string
  /** SHA-256 of its text, in hex. */
  readonly hash: string
  /** What its text begins with. */
  readonly prefix: string
  readonly createdOn: number
}

/** A valid key. */
export interface ApiKeyRow extends Omit<NewApiKeyRow, 'hash'> {
  readonly lastUsedOn: number | null
  readonly expiresOn: number | null
}

const shownColumns = {
  id: text,
  prefix: text,
  created_on: integer,
  last_used_on: nullable(integer),
  expires_on: nullable(integer),
}
const foundColumns = { ...shownColumns, endpoint_key: integer }

const shownOf = (row: RowOf<typeof shownColumns>): ApiKeyRow => ({
  id: row.id,
  prefix: row.prefix,
  createdOn: row.created_on,
  lastUsedOn: row.last_used_on,
  expiresOn: row.expires_on,
})

/** The keys that consumers read the messages of their endpoints with. */
export function apiKeyStore({ db, sql, names }: StoreContext) {
  const audit = auditWriter({ sql, names })
  const columns = Object.keys(shownColumns).join(', ')
  const isValid = '(expires_on is null or expires_on > $2)'
  const list = sql.statement(`select ${columns} from ${names.apiKey}
    where endpoint_key = $1 and ${isValid} order by key desc`)
  const byHash = sql.statement(`select ${columns}, endpoint_key from ${names.apiKey}
    where hash = $1 and ${isValid}`)
  // Who deletes an endpoint writes its row before its keys: none is stored after that.
  const lockEndpoint = sql.statement(`select 1 as found from ${names.endpoint}
    where ${sql.limitsIdle} and key = $1 and deleted_on is null${sql.lock('for no key update')}`)
  const forgetExpired = sql.statement(
    `delete from ${names.apiKey} where endpoint_key = $1 and expires_on <= $2`,
  )
  const count = sql.statement(`select count(*) as count from ${names.apiKey} where endpoint_key = $1`)
  const insert = sql.statement(`insert into ${names.apiKey} (id, endpoint_key, hash, prefix, created_on)
    values ($1, $2, $3, $4, $5)`)
  const expire = sql.statement(`update ${names.apiKey} set expires_on = ${sql.least('expires_on', '$3')}
    where endpoint_key = $1 and id = $2`)
  const revoke = sql.statement(`delete from ${names.apiKey} where endpoint_key = $1 and id = $2`)
  const noteUse = sql.statement(`update ${names.apiKey} set last_used_on = $2 where id = $1`)

  return {
    /** The valid keys of an endpoint, the newest first. */
    async listApiKeys(endpointKey: number, now: number): Promise<ApiKeyRow[]> {
      return (await readRows(db, shownColumns, list, [endpointKey, now])).map(shownOf)
    },

    /** The valid key with this hash. */
    async findApiKey(
      hash: string,
      now: number,
    ): Promise<(ApiKeyRow & { readonly endpointKey: number }) | undefined> {
      const [row] = await readRows(db, foundColumns, byHash, [hash, now])
      return row && { ...shownOf(row), endpointKey: row.endpoint_key }
    },

    /**
     * Stores a key, unless the endpoint is gone or has as many as it may.
     *
     * @param replaced - the id of a valid key, and when that one is to expire.
     */
    addApiKey(
      endpointKey: number,
      { id, hash, prefix, createdOn }: NewApiKeyRow,
      most: number,
      replaced?: { readonly id: string; readonly expiresOn: number },
      actor: string | null = null,
    ): Promise<'added' | 'too_many' | 'no_key' | 'no_endpoint'> {
      return ownTransaction(db, async (trx) => {
        if (!(await findsRow(trx, lockEndpoint, [endpointKey]))) return 'no_endpoint'
        await runStatement(trx, forgetExpired, [endpointKey, createdOn])
        const [row] = await readRows(trx, { count: integer }, count, [endpointKey])
        // One that ends at once makes room for the other.
        const ending = replaced && replaced.expiresOn <= createdOn ? 1 : 0
        if ((row?.count ?? 0) - ending >= most) return 'too_many'
        if (replaced) {
          const expired = await countChanges(trx, expire, [endpointKey, replaced.id, replaced.expiresOn])
          if (expired === 0) return 'no_key'
        }
        await runStatement(trx, insert, [id, endpointKey, hash, prefix, createdOn])
        const action = replaced ? 'key_rotated' : 'key_created'
        await audit(trx, endpointKey, { action, actor, details: { keyId: replaced?.id ?? id } }, createdOn)
        return 'added'
      })
    },

    /** @returns false when the endpoint has no such key. */
    revokeApiKey(
      endpointKey: number,
      id: string,
      now: number,
      actor: string | null = null,
    ): Promise<boolean> {
      return ownTransaction(db, async (trx) => {
        if ((await countChanges(trx, revoke, [endpointKey, id])) !== 1) return false
        await audit(trx, endpointKey, { action: 'key_revoked', actor, details: { keyId: id } }, now)
        return true
      })
    },

    async noteApiKeyUse(id: string, now: number): Promise<void> {
      await runStatement(db, noteUse, [id, now])
    },
  }
}
