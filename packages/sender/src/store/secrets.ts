import {
  findsRow,
  integer,
  nullable,
  ownTransaction,
  readRows,
  runStatement,
  type SqlExecutor,
  text,
  word,
} from '@x/events-engine/internal'
import type { StoredCertificate } from '../endpoints/client-certificate.ts'
import { auditWriter } from './audit-log.ts'
import type { StoreContext } from './context.ts'

/** A signing secret as it is stored: sealed. */
export interface SecretRow {
  readonly sealed: string
  readonly keyId: string
  readonly createdOn: number
  readonly expiresOn: number | null
}

/** A signing secret, a client's certificate or the targets of alerts, to be sealed anew. */
export interface ForeignSecret {
  readonly kind: 'secret' | 'certificate' | 'alerts'
  readonly key: number
  /** What it is bound to: an endpoint's id, or a tenant's alerts. */
  readonly owner: string
  readonly sealed: string
}

/** What came of a rotation. */
export type SecretRotation = 'rotated' | 'no_endpoint' | { readonly untilOn: number }

const secretColumns = {
  endpoint_key: integer,
  sealed: text,
  key_id: text,
  created_on: integer,
  expires_on: nullable(integer),
}
const keptColumns = { key: integer, sealed: text, expires_on: nullable(integer) }
const foreignColumns = { kind: word<ForeignSecret['kind']>(), key: integer, owner: text, sealed: text }

/** Signing secrets, which the store only sees sealed. */
export function secretStore({ db, sql, names }: StoreContext) {
  const audit = auditWriter({ sql, names })
  const live = sql.statement(`select endpoint_key, sealed, key_id, created_on, expires_on from ${names.secret}
    where ${sql.isListed('endpoint_key', '$1')} and (expires_on is null or expires_on > $2) order by key desc`)
  const expire = sql.statement(
    `update ${names.secret} set expires_on = ${sql.least('expires_on', '$2')} where endpoint_key = $1`,
  )
  const insert = secretInsert({ sql, names })
  const kept = sql.statement(`select key, sealed, expires_on from ${names.secret}
    where endpoint_key = $1 and (expires_on is null or expires_on > $2)`)
  const forgetExpired = sql.statement(
    `delete from ${names.secret} where endpoint_key = $1 and expires_on <= $2`,
  )
  const forget = sql.statement(`delete from ${names.secret} where ${sql.isListed('key', '$1')}`)
  // Who deletes an endpoint writes its row before its secrets: none is stored after that. Of two rotations at once, one comes
  // after the other.
  const lockEndpoint = sql.statement(`select 1 as found from ${names.endpoint}
    where ${sql.limitsIdle} and key = $1 and deleted_on is null${sql.lock('for no key update')}`)
  const raiseVersion = sql.statement(
    `update ${names.endpoint} set version = version + 1, updated_on = $2 where ${sql.limitsIdle} and key = $1`,
  )
  // Certificates of clients and targets of alerts are sealed by the same keys.
  const sealedTexts = `(
    select 'secret' as kind, s.key, e.id as owner, s.sealed, s.key_id
    from ${names.secret} s join ${names.endpoint} e on e.key = s.endpoint_key
    union all
    select 'certificate' as kind, c.endpoint_key as key, e.id as owner, c.sealed, c.key_id
    from ${names.certificate} c join ${names.endpoint} e on e.key = c.endpoint_key
    union all
    select 'alerts' as kind, tenant_id as key, 'alerts:' || tenant_id as owner, sealed, key_id
    from ${names.alertSettings})`
  const foreign = sql.statement(
    `select s.owner as id from ${sealedTexts} s where ${sql.isNotListed('s.key_id', '$1', 'text')} limit 1`,
  )
  const listForeign = sql.statement(`select s.kind, s.key, s.owner, s.sealed
    from ${sealedTexts} s where s.key_id <> $1 order by s.kind, s.key limit $2`)
  const replace = {
    secret: sql.statement(
      `update ${names.secret} set sealed = $3, key_id = $4 where key = $1 and sealed = $2`,
    ),
    certificate: sql.statement(
      `update ${names.certificate} set sealed = $3, key_id = $4 where endpoint_key = $1 and sealed = $2`,
    ),
    alerts: sql.statement(
      `update ${names.alertSettings} set sealed = $3, key_id = $4 where tenant_id = $1 and sealed = $2`,
    ),
  }

  async function readSecretsOf(
    endpointKeys: readonly number[],
    now: number,
  ): Promise<ReadonlyMap<number, readonly SecretRow[]>> {
    const rows = await readRows(db, secretColumns, live, [JSON.stringify(endpointKeys), now])
    const secrets = new Map<number, SecretRow[]>(endpointKeys.map((key) => [key, []]))
    for (const { endpoint_key, sealed, key_id, created_on, expires_on } of rows) {
      const secret = { sealed, keyId: key_id, createdOn: created_on, expiresOn: expires_on }
      secrets.get(endpoint_key)?.push(secret)
    }
    return secrets
  }

  return {
    /** The live secrets of each endpoint, the newest first. */
    readSecretsOf,

    /** The live secrets of an endpoint, the newest first. */
    async readSecrets(endpointKey: number, now: number): Promise<readonly SecretRow[]> {
      return (await readSecretsOf([endpointKey], now)).get(endpointKey) ?? []
    },

    /**
     * Adds a secret, and lets the others expire. One that is the same makes way for it. None is dropped before it expires.
     *
     * @param most - how many may be live together: two or more.
     * @param isSame - whether a sealed secret is the one that is added.
     * @returns when the first of them expires, where there would be too many.
     */
    rotateSecret(
      endpointKey: number,
      secret: SecretRow,
      {
        expireOthersOn,
        most,
        isSame,
        now,
        actor = null,
      }: {
        readonly expireOthersOn: number
        readonly most: number
        readonly isSame: (sealed: string) => boolean
        readonly now: number
        readonly actor?: string | null
      },
    ): Promise<SecretRotation> {
      return ownTransaction(db, async (trx) => {
        if (!(await findsRow(trx, lockEndpoint, [endpointKey]))) return 'no_endpoint'
        // Those that end at once need not even be readable.
        const rows = expireOthersOn > now ? await readRows(trx, keptColumns, kept, [endpointKey, now]) : []
        const same = rows.filter(({ sealed }) => isSame(sealed))
        if (rows.length - same.length >= most) {
          return {
            untilOn: Math.min(...rows.map(({ expires_on }) => expires_on ?? Number.POSITIVE_INFINITY)),
          }
        }
        await runStatement(trx, raiseVersion, [endpointKey, now])
        if (same.length > 0) await runStatement(trx, forget, [JSON.stringify(same.map(({ key }) => key))])
        await runStatement(trx, expire, [endpointKey, expireOthersOn])
        await runStatement(trx, forgetExpired, [endpointKey, now])
        await runStatement(trx, insert, [endpointKey, secret.sealed, secret.keyId, secret.createdOn, null])
        await audit(trx, endpointKey, { action: 'secret_rotated', actor }, now)
        return 'rotated'
      })
    },

    /** The owner of a secret that was sealed with none of these keys. */
    async findForeignSecret(keyIds: readonly string[]): Promise<string | undefined> {
      const [row] = await readRows(db, { id: text }, foreign, [JSON.stringify(keyIds)])
      return row?.id
    },

    /** Some of the secrets that were sealed with another key than this one. */
    async listForeignSecrets(keyId: string, limit: number): Promise<ForeignSecret[]> {
      const rows = await readRows(db, foreignColumns, listForeign, [keyId, limit])
      return rows.map(({ kind, key, owner, sealed }) => ({ kind, key, owner, sealed }))
    },

    /** Replaces a sealed text, unless it has changed since it was read. */
    async replaceSealed({ kind, key, sealed }: ForeignSecret, by: string, keyId: string): Promise<void> {
      await runStatement(db, replace[kind], [key, sealed, by, keyId])
    },
  }
}

/** Parameters: the endpoint's key, and the values of a {@link SecretRow}. */
export const secretInsert = ({ sql, names }: Pick<StoreContext, 'sql' | 'names'>) =>
  sql.statement(`insert into ${names.secret} (endpoint_key, sealed, key_id, created_on, expires_on)
    values ($1, $2, $3, $4, $5)`)

/**
 * Creates what replaces an endpoint's certificate in the transaction that changes the endpoint. Undefined leaves it as it
 * is, null takes it away.
 */
export function certificateWriter({ sql, names }: StoreContext) {
  const remove = sql.statement(`delete from ${names.certificate} where endpoint_key = $1`)
  const insert = sql.statement(`insert into ${names.certificate}
    (endpoint_key, sealed, key_id, subject, fingerprint, expires_on) values ($1, $2, $3, $4, $5, $6)`)

  return async (
    trx: SqlExecutor,
    endpointKey: number,
    certificate: StoredCertificate | null | undefined,
  ): Promise<void> => {
    if (certificate === undefined) return
    await runStatement(trx, remove, [endpointKey])
    if (certificate === null) return
    const { sealed, keyId, subject, fingerprint, expiresOn } = certificate
    await runStatement(trx, insert, [endpointKey, sealed, keyId, subject, fingerprint, expiresOn])
  }
}
