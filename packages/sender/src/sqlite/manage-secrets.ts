import {
  integer,
  nullable,
  ownTransaction,
  readRows,
  runStatement,
  text,
  word,
} from '@x/events-engine/support'
import type { Kysely } from 'kysely'
import type { DeliveryStore } from '../delivery-store.ts'
import type { ForeignSecret, SecretRow } from '../endpoints/endpoint-row.ts'
import type { TableNames } from '../table-names.ts'

const secretColumns = { sealed: text, key_id: text, created_on: integer, expires_on: nullable(integer) }
const foreignColumns = { kind: word<ForeignSecret['kind']>(), key: integer, endpointId: text, sealed: text }

/** Signing secrets, which the store only sees sealed. */
export function secretStatements(
  db: Kysely<unknown>,
  names: TableNames,
): Pick<
  DeliveryStore,
  'readSecrets' | 'rotateSecret' | 'findForeignSecret' | 'listForeignSecrets' | 'replaceSealed'
> {
  const live = `select sealed, key_id, created_on, expires_on from ${names.secret}
    where endpoint_key = ? and (expires_on is null or expires_on > ?) order by key desc`
  const expire = `update ${names.secret} set expires_on = min(coalesce(expires_on, ?), ?) where endpoint_key = ?`
  const insert = `insert into ${names.secret} (endpoint_key, sealed, key_id, created_on, expires_on)
    values (?, ?, ?, ?, null)`
  const forget = `delete from ${names.secret} where endpoint_key = ? and (expires_on <= ? or key not in (
    select key from ${names.secret} where endpoint_key = ? order by key desc limit ?))`
  const raiseVersion = `update ${names.endpoint} set version = version + 1, updated_on = ? where key = ?`
  // Certificates of clients are sealed by the same keys.
  const sealedTexts = `(
    select 'secret' as kind, key, endpoint_key, sealed, key_id from ${names.secret}
    union all
    select 'certificate' as kind, endpoint_key as key, endpoint_key, sealed, key_id from ${names.certificate})`
  const foreign = `select e.id from ${sealedTexts} s join ${names.endpoint} e on e.key = s.endpoint_key
    where s.key_id not in (select value from json_each(?)) limit 1`
  const listForeign = `select s.kind, s.key, e.id as "endpointId", s.sealed
    from ${sealedTexts} s join ${names.endpoint} e on e.key = s.endpoint_key
    where s.key_id <> ? order by s.kind, s.key limit ?`
  const replace = {
    secret: `update ${names.secret} set sealed = ?, key_id = ? where key = ? and sealed = ?`,
    certificate: `update ${names.certificate} set sealed = ?, key_id = ? where endpoint_key = ? and sealed = ?`,
  }

  return {
    async readSecrets(endpointKey, now): Promise<SecretRow[]> {
      const rows = await readRows(db, secretColumns, live, [endpointKey, now])
      return rows.map((row) => ({
        sealed: row.sealed,
        keyId: row.key_id,
        createdOn: row.created_on,
        expiresOn: row.expires_on,
      }))
    },

    async rotateSecret(endpointKey, secret, expireOthersOn, keep, now) {
      await ownTransaction(db, async (trx) => {
        await runStatement(trx, expire, [expireOthersOn, expireOthersOn, endpointKey])
        await runStatement(trx, insert, [endpointKey, secret.sealed, secret.keyId, secret.createdOn])
        await runStatement(trx, forget, [endpointKey, now, endpointKey, keep])
        await runStatement(trx, raiseVersion, [now, endpointKey])
      })
    },

    async findForeignSecret(keyIds) {
      const [row] = await readRows(db, { id: text }, foreign, [JSON.stringify(keyIds)])
      return row?.id
    },

    listForeignSecrets: (keyId, limit) => readRows(db, foreignColumns, listForeign, [keyId, limit]),

    async replaceSealed({ kind, key, sealed: before }, sealed, keyId) {
      await runStatement(db, replace[kind], [sealed, keyId, key, before])
    },
  }
}
