import {
  countChanges,
  integer,
  json,
  ownTransaction,
  readRows,
  runStatement,
  type SqlExecutor,
  text,
  word,
} from '@x/events-engine/internal'
import type { AlertKind, AlertLocale } from '../alerts/alert-settings.ts'
import { type AuditRecord, tenantAuditWriter } from './audit-log.ts'
import type { StoreContext } from './context.ts'

/** What a tenant is notified of, as it is stored. */
export interface AlertSettingsRow {
  readonly on: readonly AlertKind[]
  readonly quietSeconds: number
  readonly locale: AlertLocale
  readonly timeZone: string
  /** The targets, sealed. */
  readonly sealed: string
  readonly keyId: string
}

/** What has happened to an endpoint. */
export interface AlertToNote {
  readonly endpointKey: number
  readonly kind: AlertKind
  readonly count: number
}

/** An alert that is to be sent. */
export interface DueAlert extends AlertToNote {
  readonly tenantId: number
  /** When the first of what it tells of has happened. */
  readonly since: number
  /** How often it was tried to send it. */
  readonly attempts: number
  /** Digests of the targets that have got it. */
  readonly sent: readonly string[]
  readonly version: number
}

const settingsColumns = {
  kinds: json<AlertKind[]>(),
  quiet_seconds: integer,
  locale: word<AlertLocale>(),
  time_zone: text,
  sealed: text,
  key_id: text,
}
const dueColumns = {
  endpoint_key: integer,
  kind: word<AlertKind>(),
  tenant_id: integer,
  count: integer,
  since: integer,
  attempts: integer,
  sent: json<string[]>(),
  version: integer,
}
const AT_ONCE = 20

/** Alerts: what tenants want to be told of, and what they are still to be told. */
export function alertStore(context: StoreContext) {
  const { db, sql, names } = context
  const audit = tenantAuditWriter(context)
  const records = sql.records({ endpoint_key: 'integer', kind: 'text', count: 'integer' })
  const read = sql.statement(
    `select ${Object.keys(settingsColumns).join(', ')} from ${names.alertSettings} where tenant_id = $1`,
  )
  const save =
    sql.statement(`insert into ${names.alertSettings} as s (tenant_id, ${Object.keys(settingsColumns).join(', ')})
    values ($1, $2, $3, $4, $5, $6, $7)
    on conflict (tenant_id) do update set ${Object.keys(settingsColumns)
      .map((column) => `${column} = excluded.${column}`)
      .join(', ')} where s.sealed = $8`)
  // Within the quiet period of the last one, it waits for its end.
  const note =
    sql.statement(`insert into ${names.alert} as a (endpoint_key, kind, tenant_id, count, since, due_on)
    select r.endpoint_key, r.kind, e.tenant_id, r.count, ${sql.cast('$2', 'integer')}, ${sql.cast('$2', 'integer')}
    from ${records.table('$1', 'r')} join ${names.endpoint} e on e.key = r.endpoint_key
      join ${names.alertSettings} s on s.tenant_id = e.tenant_id
    where s.kinds like '%"' || r.kind || '"%'
    on conflict (endpoint_key, kind) do update set
      count = a.count + excluded.count,
      since = case when a.due_on is null then excluded.since else a.since end,
      due_on = coalesce(a.due_on, case when a.quiet_until > excluded.due_on then a.quiet_until else excluded.due_on end)`)
  // One alert of an endpoint is sent at a time, so that a recovery is reported after the failure.
  const isNoOtherTaken = (endpointKey: string, now: string) => `not exists (
    select 1 from ${names.alert} o where o.endpoint_key = ${endpointKey} and o.taken_until > ${now})`
  const due = sql.statement(`select ${Object.keys(dueColumns).join(', ')} from ${names.alert} a
    where due_on <= $1 and ${sql.isNotListed('tenant_id', '$2')} and ${isNoOtherTaken('a.endpoint_key', '$1')}
    order by due_on limit ${AT_ONCE}`)
  const ofAlert = 'endpoint_key = $1 and kind = $2 and version = $3'
  const take = sql.statement(
    `update ${names.alert} set taken_until = $4, version = version + 1
    where ${sql.limitsIdle} and ${ofAlert} and ${isNoOtherTaken('$1', '$5')}`,
  )
  const [taken, now, quietUntil, isTold] = ['$4', '$5', '$6', '$7'].map((value) => sql.cast(value, 'integer'))
  const end =
    sql.statement(`update ${names.alert} set count = count - ${taken}, since = ${now}, quiet_until = ${quietUntil},
      due_on = case when count > ${taken} then ${quietUntil} end, taken_until = 0, attempts = 0, sent = '[]',
      told_on = case when ${isTold} = 1 then ${now} else told_on end, version = version + 1
    where ${ofAlert}`)
  const retry =
    sql.statement(`update ${names.alert} set attempts = attempts + 1, sent = $4, due_on = $5, taken_until = 0,
      version = version + 1
    where ${ofAlert}`)
  const told = sql.statement(`select kind, told_on from ${names.alert} where endpoint_key = $1`)
  const purges = [names.alert, names.alertSettings].map((table) =>
    sql.statement(`delete from ${table} where tenant_id = $1`),
  )

  return {
    async readAlertSettings(tenantId: number): Promise<AlertSettingsRow | undefined> {
      const [row] = await readRows(db, settingsColumns, read, [tenantId])
      return (
        row && {
          on: row.kinds,
          quietSeconds: row.quiet_seconds,
          locale: row.locale,
          timeZone: row.time_zone,
          sealed: row.sealed,
          keyId: row.key_id,
        }
      )
    },

    /**
     * @param before - what was sealed when the settings were read; undefined where there were none.
     * @returns false where they were changed since; nothing is saved then.
     */
    async saveAlertSettings(
      tenantId: number,
      { on, quietSeconds, locale, timeZone, sealed, keyId }: AlertSettingsRow,
      record: AuditRecord,
      now: number,
      before: string | undefined,
    ): Promise<boolean> {
      return ownTransaction(db, async (trx) => {
        const values = [JSON.stringify(on), quietSeconds, locale, timeZone, sealed, keyId]
        const changes = await countChanges(trx, save, [tenantId, ...values, before ?? ''])
        if (changes === 0) return false
        await audit(trx, { tenantId, endpointKey: 0 }, record, now)
        return true
      })
    },

    /** Notes what tenants want to be told of, in the transaction that records it. One entry for each endpoint and kind. */
    async noteAlerts(trx: SqlExecutor, alerts: readonly AlertToNote[], now: number): Promise<void> {
      const rows = alerts.map(({ endpointKey, kind, count }) => ({ endpoint_key: endpointKey, kind, count }))
      await runStatement(trx, note, [records.encode(rows), now])
    },

    /** Some of the alerts that are due, the oldest first. Of an endpoint there is none while another one is being sent. */
    async dueAlerts(now: number, butOfTenants: readonly number[]): Promise<DueAlert[]> {
      const rows = await readRows(db, dueColumns, due, [now, JSON.stringify(butOfTenants)])
      return rows.map(({ endpoint_key: endpointKey, tenant_id: tenantId, ...alert }) => ({
        ...alert,
        endpointKey,
        tenantId,
      }))
    },

    /**
     * Takes an alert to send it. Another node takes it again when it was not ended until a time.
     *
     * @returns the alert as it is to be ended; undefined when another node has taken it, or another one of its endpoint.
     */
    async takeAlert(alert: DueAlert, now: number, until: number): Promise<DueAlert | undefined> {
      const { endpointKey, kind, version } = alert
      const isTaken = (await countChanges(db, take, [endpointKey, kind, version, until, now])) === 1
      return isTaken ? { ...alert, version: version + 1 } : undefined
    },

    /** Ends an alert. What has happened since it was taken is reported when the quiet period is over. */
    async endAlert(
      { endpointKey, kind, version, count }: DueAlert,
      {
        now,
        quietUntil,
        isTold,
      }: { readonly now: number; readonly quietUntil: number; readonly isTold: boolean },
    ): Promise<void> {
      await runStatement(db, end, [endpointKey, kind, version, count, now, quietUntil, isTold ? 1 : 0])
    },

    /** When the tenant was told last of what has happened to an endpoint; 0 for never. */
    async readTold(endpointKey: number): Promise<ReadonlyMap<AlertKind, number>> {
      const rows = await readRows(db, { kind: word<AlertKind>(), told_on: integer }, told, [endpointKey])
      return new Map(rows.map((row) => [row.kind, row.told_on]))
    },

    async retryAlert(
      { endpointKey, kind, version }: DueAlert,
      { sent, dueOn }: { readonly sent: readonly string[]; readonly dueOn: number },
    ): Promise<void> {
      await runStatement(db, retry, [endpointKey, kind, version, JSON.stringify(sent), dueOn])
    },

    async purgeAlerts(tenantId: number): Promise<void> {
      for (const statement of purges) await runStatement(db, statement, [tenantId])
    },
  }
}
