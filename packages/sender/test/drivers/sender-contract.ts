import { randomBytes } from 'node:crypto'
import type { SyncEvent } from '@x/events-core'
import { createEventEngine } from '@x/events-engine'
import {
  eventColumns,
  eventOf,
  type FencePart,
  integer,
  isMigrated,
  isRefusal,
  readRows,
  runStatement,
  selectedColumns,
  sqlDialectOf,
} from '@x/events-engine/internal'
import { testConsumer, waitFor } from '@x/testkit'
import type { Driver, DriverDatabase } from '@x/testkit/drivers'
import { type Kysely, sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { JobRow } from '../../src/bulk/job.ts'
import { createDatabaseClock } from '../../src/clock.ts'
import type { AttemptResult } from '../../src/deliveries/attempt-result.ts'
import type { DeliveryKey } from '../../src/deliveries/delivery-row.ts'
import type { EndpointRow, NewEndpointRow } from '../../src/endpoints/fields.ts'
import { createWebhookSender, type WebhookSenderOptions } from '../../src/index.ts'
import type { DueAlert } from '../../src/store/alerts.ts'
import type { DeliverySource } from '../../src/store/delivery-sources.ts'
import { type JobStore, jobStore } from '../../src/store/jobs.ts'
import type { DeliveryConditions } from '../../src/store/latest-deliveries.ts'
import type { EndpointLease } from '../../src/store/leases.ts'
import type { MessageToStore } from '../../src/store/messages.ts'
import { webhookMigrations } from '../../src/store/schema.ts'
import type { DeliveryStore } from '../../src/store/store.ts'
import { openStore } from '../../src/store/store.ts'
import { composeStraight } from '../../src/store/straight-messages.ts'
import { tableNames } from '../../src/table-names.ts'
import { recordingLogger, site } from '../open-host.ts'
import { successOf } from '../success-of.ts'

const ANYTHING: DeliveryConditions = {
  states: undefined,
  statuses: undefined,
  errorCode: undefined,
  hasFailedAttempts: undefined,
  eventType: undefined,
  createdAfter: undefined,
  createdBefore: undefined,
}

const HOUR_MS = 3_600_000
// PGlite is compiled first.
const OPENING_MS = 120_000
const LONG_AGO = Date.UTC(2020, 0, 1)
const data = { text: 'Ä "\\" \u2028', nested: [{ total: 12.5, none: null, yes: true }] }

/** What the sender does for hosts, and each method of its stores, through one driver. */
export function senderContract(driver: Driver): void {
  describe(driver.name, () => {
    let database: DriverDatabase<unknown>
    beforeAll(async () => {
      database = await driver.open<unknown>()
    }, OPENING_MS)
    afterAll(() => database[Symbol.asyncDispose]())

    /** A sender, and the engine below it, on tables of their own. */
    async function open(tablePrefix: string, options: Partial<WebhookSenderOptions<unknown>> = {}) {
      const logger = recordingLogger()
      const engine = createEventEngine({ db: database.db, pollMaxMs: 50, tablePrefix, logger })
      const sender = createWebhookSender({
        engine,
        encryptionKey: randomBytes(32),
        network: { allow: ['127.0.0.0/8'] },
        pollMaxMs: 50,
        ...options,
      })
      await sender.migrate()
      await sender.start()
      await engine.start()
      return {
        engine,
        sender,
        logger,
        raise: (id: number, entityName: 'File' | 'Page' = 'File') =>
          engine.syncManager.addSyncEvent(site, entityName, id, 'Update', { data }),
        async [Symbol.asyncDispose]() {
          await sender.stop()
          await engine.stop()
        },
      }
    }

    it('keeps endpoints with all they have, and their secrets', async () => {
      await using host = await open('ends_')
      const { endpoints } = host.sender
      const given = {
        tenantId: 2 ** 40,
        siteId: 7,
        url: 'https://example.com/hook',
        eventTypes: ['File.*'],
        description: 'Ä',
        headers: { 'x-a': 'b' },
        metadata: { team: 'c' },
        ordering: { by: 'entity' },
        rateLimit: { limit: 5, perSeconds: 2 },
        concurrency: { min: 1, max: 3 },
        retrySchedule: [1, 2],
      } as const
      const { endpoint } = await endpoints.create(given)
      expect(endpoint).toMatchObject({ ...given, enabled: true, version: expect.any(Number) })
      expect(await endpoints.get(endpoint.id)).toEqual(endpoint)
      const changed = await endpoints.update(endpoint.id, { description: 'D', version: endpoint.version })
      expect(changed).toMatchObject({ ...given, description: 'D' })
      await endpoints.disable(endpoint.id)
      expect(await endpoints.get(endpoint.id)).toMatchObject({ enabled: false, disabledOn: expect.any(Date) })
      await endpoints.enable(endpoint.id)
      expect((await endpoints.get(endpoint.id)).enabled).toBe(true)
      await endpoints.rotateSecret(endpoint.id, { overlapSeconds: 60 })
      expect(await endpoints.secrets(endpoint.id)).toHaveLength(2)
      expect(await endpoints.list({ tenantId: given.tenantId })).toHaveLength(1)
      expect(await host.sender.reencryptSecrets()).toBe(0)
      await endpoints.delete(endpoint.id)
      expect(await endpoints.list({ tenantId: given.tenantId })).toEqual([])
    })

    it('delivers, tries again, gives up, and tells and counts what came of it', async () => {
      await using host = await open('send_', { retrySchedule: [0, 0] })
      await using consumer = await testConsumer()
      await using failing = await testConsumer()
      failing.answer(() => ({ status: 400, body: 'Ä no' }))
      const { endpoints, deliveries } = host.sender
      const { endpoint } = await endpoints.create({ tenantId: 1, url: consumer.url, ordering: 'fifo' })
      const { endpoint: bad } = await endpoints.create({ tenantId: 1, url: failing.url })
      const raised: SyncEvent[] = []
      for (const id of [1, 2, 3]) raised.push(await host.raise(id))
      await host.sender.drain()
      const requests = await consumer.received(3)
      expect(requests.map(({ headers }) => headers['webhook-id'])).toEqual(raised.map(({ id }) => id))
      expect(JSON.parse(String(requests[0]?.rawBody)).data.entity).toEqual(data)
      const well = await deliveries.list({ tenantId: 1, endpointId: endpoint.id, state: 'succeeded' })
      expect(well.map(({ eventId }) => eventId)).toEqual(raised.map(({ id }) => id).reverse())
      const badly = await deliveries.list({ tenantId: 1, endpointId: bad.id, state: 'exhausted' })
      expect(badly).toHaveLength(3)
      expect(badly[0]).toMatchObject({ attemptCount: 2, lastStatus: 400, finishedOn: expect.any(Date) })
      const details = await deliveries.get(badly[0]?.id ?? '')
      expect(details.attempts).toMatchObject([
        { number: 1, response: { status: 400, body: 'Ä no' }, durationMs: expect.any(Number) },
        { number: 2 },
      ])
      const since = new Date(Date.now() - HOUR_MS)
      await waitFor(async () => {
        const { total } = await host.sender.statistics({ tenantId: 1, since })
        return total.attempts === 9 && total.succeeded === 3 && total.failed === 6 && total.exhausted === 3
      }, 'the statistics')
      expect(await host.sender.stats()).toMatchObject({
        endpoints: { enabled: 2, disabled: 0 },
        deliveries: { pending: 0, exhausted: 3 },
        oldestDueAgeMs: 0,
      })
      const test = await host.sender.sendTest(endpoint.id)
      await waitFor(async () => (await deliveries.get(test.id)).state === 'succeeded', 'the test')
      failing.answer(204)
      await deliveries.resend(badly[0]?.id ?? '')
      await waitFor(
        async () => (await deliveries.get(badly[0]?.id ?? '')).state === 'succeeded',
        'the resend',
      )
      expect(
        host.logger.messages.filter((message) => /could not|interrupted|repaired/i.test(message)),
      ).toEqual([])
    })

    it('recovers, replays and cancels many at once, and forgets a tenant', async () => {
      await using host = await open('jobs_', { retrySchedule: [0] })
      await using consumer = await testConsumer()
      consumer.answer(500)
      const { endpoints, deliveries, jobs } = host.sender
      const { endpoint } = await endpoints.create({ tenantId: 1, url: consumer.url })
      for (const id of [1, 2, 3]) await host.raise(id)
      await host.sender.drain()
      const since = new Date(Date.now() - HOUR_MS)
      consumer.answer(204)
      const ended = (id: string) =>
        waitFor(async () => {
          const job = await jobs.get(id)
          return job.state !== 'running' && job
        }, 'the job')
      expect(await ended((await deliveries.recover(endpoint.id, { since })).id)).toMatchObject({
        state: 'succeeded',
        affected: 3,
        total: 3,
        finishedOn: expect.any(Date),
      })
      await host.sender.drain()
      const { endpoint: late } = await endpoints.create({ tenantId: 1, url: consumer.url })
      const replayed = await ended((await deliveries.replay(late.id, { since, include: 'missing' })).id)
      expect(replayed).toMatchObject({ state: 'succeeded', affected: 3 })
      await host.sender.drain()
      expect(await deliveries.list({ tenantId: 1, endpointId: late.id, state: 'succeeded' })).toHaveLength(3)
      expect(await ended((await deliveries.cancelPending(endpoint.id)).id)).toMatchObject({ affected: 0 })
      expect((await jobs.list({ tenantId: 1 })).map(({ kind }) => kind)).toEqual([
        'cancel',
        'replay',
        'recover',
      ])
      expect(await host.sender.purgeTenant(1)).toMatchObject({ endpoints: 2, deliveries: 6, parkedEvents: 0 })
      expect(await deliveries.list({ tenantId: 1 })).toEqual([])
    })

    it('tells a refused row apart from a table that is missing', async () => {
      const { db } = database
      await sql`create table item (id integer primary key, name text not null check (name <> 'bad'))`.execute(
        db,
      )
      await sql`insert into item values (1, 'good')`.execute(db)
      const errorOf = (query: { execute(on: typeof db): Promise<unknown> }) =>
        query.execute(db).then(
          () => undefined,
          (error: unknown) => error,
        )
      expect(isRefusal(await errorOf(sql`insert into item values (1, 'again')`))).toBe(true)
      expect(isRefusal(await errorOf(sql`insert into item values (2, 'bad')`))).toBe(true)
      expect(isRefusal(await errorOf(sql`insert into item (id) values (3)`))).toBe(true)
      const missing = await errorOf(sql`insert into nowhere values (1)`)
      expect(missing).toBeInstanceOf(Error)
      expect(isRefusal(missing)).toBe(false)
      if (driver.dialect === 'postgres') expect(missing).toMatchObject({ code: '42P01' })
    })

    it('gives and takes each value of its stores as it is', async () => {
      const host = await open('store_', { fanOut: false, deliver: false })
      await host[Symbol.asyncDispose]()
      const db = database.db.withoutPlugins() as Kysely<unknown>
      const names = tableNames('store_', undefined)
      const { dialect } = driver
      const sqlDialect = sqlDialectOf(dialect)
      const clock = createDatabaseClock(db, sqlDialect)
      await clock.sync()
      const context = { db, sql: sqlDialect, names, nodeId: 'node-1', clock }
      const store = openStore(context)
      const jobs = jobStore(context, 60_000)
      expect(await isMigrated(db, webhookMigrations(dialect, names))).toBe(true)

      const now = clock.now()
      let key = 0
      let other = 0
      let revision = 0
      let lease: EndpointLease = { endpointKey: 0, epoch: 0 }
      let messageKeys: number[] = []
      let straightKey = 0
      const owner = { tenantId: 1, endpointId: 'ep_1', url: 'EXAMPLE.com' }
      const anywhere = {
        first: 0,
        before: { messageKey: Number.MAX_SAFE_INTEGER, endpointKey: 0 },
      }
      /** An endpoint that has not got that event. */
      const withoutIt = 999
      /** The only event of the log. */
      async function readOne(): Promise<SyncEvent> {
        const read = () =>
          readRows(
            db,
            { seq: integer, ...eventColumns },
            `select e.seq, ${selectedColumns(sqlDialect)} from ${names.syncEvent} e`,
          )
        if ((await read()).length === 0) {
          const time = dialect === 'postgres' ? 'now()' : String(now)
          await runStatement(
            db,
            `insert into ${names.syncEvent} (id, tenant_id, site_id, entity_name, entity_id, action, modified_on, data)
              values ('evt_s', 1, 7, 'File', '7', 'Update', ${time}, '{"a": 1.50, "b": "Ä"}')`,
          )
        }
        return eventOf((await read())[0] as never)
      }
      const target = (endpointKey: number, orderingKey: string | null = null) => ({
        endpointKey,
        orderingKey,
        dueOn: now - 5,
        isSequenced: endpointKey === key,
        isPull: false,
      })
      const message = (eventId: string, targets = [target(key)]): MessageToStore => ({
        eventId,
        eventType: 'File.Update',
        tenantId: 1,
        siteId: 7,
        variant: null,
        body: `{"id":"${eventId}","text":"Ä"}`,
        headers: ['content-type', 'text/plain'],
        traceparent: null,
        targets,
      })
      const inTransaction = <TResult>(work: (trx: never) => Promise<TResult>) =>
        db.transaction().execute((trx) => work(trx as never))
      const of = (messageKey: number | undefined): DeliveryKey => ({
        endpointKey: key,
        messageKey: messageKey ?? 0,
      })
      const row = (id: string): NewEndpointRow => ({
        id,
        tenantId: 1,
        siteId: null,
        url: 'https://example.com/',
        eventTypes: ['*'],
        filter: { 'data.entity.name': 'Ä' },
        description: 'Ä',
        headers: { a: 'b' },
        metadata: {},
        signature: 'hmac',
        concurrency: { min: 1, max: 4 },
        ordering: 'none',
        rateLimit: { limit: 3, perSeconds: 1 },
        retrySchedule: [0, 60],
        format: 'json' as NewEndpointRow['format'],
        payloadVersion: null,
        sequence: true,
        ownership: null,
        createdOn: now,
        certificate: { sealed: 'c', keyId: 'k0', subject: 's', fingerprint: 'f', expiresOn: now + HOUR_MS },
      })
      const secret = { sealed: 's1', keyId: 'k1', createdOn: now, expiresOn: null }
      const failure = (messageKey: number): AttemptResult => ({
        ...successOf(key, messageKey, lease.epoch, now - 5),
        state: 'exhausted',
        status: 500,
        errorCode: 'http_status' as AttemptResult['errorCode'],
        errorMessage: 'no',
        responseBody: 'Ä',
        details: {
          sent: ['x-sent', 'Ä "\ufffd'],
          own: [],
          received: ['x-got', "it's"],
          timings: { firstByteMs: 0.5 },
        },
      })

      // In this order. A method without a step does not compile.
      const steps: Record<keyof DeliveryStore, () => Promise<void>> = {
        async createEndpoint() {
          await store.createEndpoint(row('ep_1'), secret)
          await store.createEndpoint(row('ep_2'), secret)
        },
        async findEndpoint() {
          const found = (await store.findEndpoint('ep_1')) as EndpointRow
          const { certificate, ...given } = row('ep_1')
          expect(found).toMatchObject({ ...given, certificate, enabled: true, version: expect.any(Number) })
          key = found.key
          other = (await store.findEndpoint('ep_2'))?.key ?? 0
          expect(await store.findEndpoint('ep_3')).toBeUndefined()
        },
        async readEndpoint() {
          expect(await store.readEndpoint(key)).toMatchObject({ id: 'ep_1', failingSince: null })
        },
        async readEndpoints() {
          expect((await store.readEndpoints([other, key, 2 ** 40])).map(({ id }) => id).sort()).toEqual([
            'ep_1',
            'ep_2',
          ])
        },
        async countEndpoints() {
          expect(await store.countEndpoints(1)).toBe(2)
        },
        async listEndpoints() {
          const list = async (before?: string, search?: string) => {
            const orders = ['newest', 'failing'] as const
            const query = { tenantId: 1, before, search, limit: 10 }
            const listed = await Promise.all(orders.map((order) => store.listEndpoints({ ...query, order })))
            const [newest, failing] = listed.map((rows) => rows.map(({ id }) => id))
            expect(failing).toEqual(newest)
            return newest
          }
          expect(await list()).toEqual(['ep_2', 'ep_1'])
          expect(await list('ep_2')).toEqual(['ep_1'])
          expect(await list(undefined, 'EXAMPLE.c')).toHaveLength(2)
          expect(await list(undefined, 'e_ample')).toEqual([])
        },
        async findEndpoints() {
          expect((await store.findEndpoints(['ep_1', 'ep_3'])).map(({ id }) => id)).toEqual(['ep_1'])
        },
        async changeEndpoint() {
          const { version = 0 } = (await store.readEndpoint(key)) ?? {}
          const to = { ...row('ep_1'), siteId: 7, certificate: undefined }
          expect(await store.changeEndpoint({ key, version }, to, now, true)).toBe(true)
          expect(await store.changeEndpoint({ key, version }, to, now, true)).toBe(false)
          expect(await store.readEndpoint(key)).toMatchObject({
            siteId: 7,
            enabled: false,
            ownership: 'pending',
          })
        },
        async proveOwnership() {
          expect(await store.proveOwnership(key, 'https://example.com/other', now)).toBe(false)
          expect(await store.proveOwnership(key, 'https://example.com/', now)).toBe(true)
          expect(await store.readEndpoint(key)).toMatchObject({ enabled: true, ownership: 'verified' })
        },
        async setEnabled() {
          expect(await store.setEnabled(other, false, 'manual' as never, now)).toBe(true)
          expect(await store.setEnabled(other, false, 'manual' as never, now)).toBe(false)
          expect(await store.readEndpoint(other)).toMatchObject({ enabled: false, disabledOn: now })
          expect(await store.setEnabled(other, true, null, now)).toBe(true)
        },
        async readSecrets() {
          expect(await store.readSecrets(key, now)).toEqual([secret])
        },
        async readSecretsOf() {
          expect(await store.readSecretsOf([key, 2 ** 40], now)).toEqual(
            new Map([
              [key, [secret]],
              [2 ** 40, []],
            ]),
          )
        },
        async rotateSecret() {
          await store.rotateSecret(
            key,
            { ...secret, sealed: 's2' },
            {
              expireOthersOn: now + HOUR_MS,
              most: 3,
              isSame: () => false,
              now,
            },
          )
          expect(await store.readSecrets(key, now)).toEqual([
            { ...secret, sealed: 's2' },
            { ...secret, expiresOn: now + HOUR_MS },
          ])
        },
        async findForeignSecret() {
          expect(await store.findForeignSecret(['k0', 'k1'])).toBeUndefined()
          expect(await store.findForeignSecret(['k2'])).toMatch(/^ep_/)
        },
        async listForeignSecrets() {
          const foreign = await store.listForeignSecrets('k1', 10)
          expect(foreign).toEqual(
            expect.arrayContaining([{ kind: 'certificate', key, owner: 'ep_1', sealed: 'c' }]),
          )
        },
        async replaceSealed() {
          for (const found of await store.listForeignSecrets('k1', 10))
            await store.replaceSealed(found, 'c', 'k1')
          expect(await store.listForeignSecrets('k1', 10)).toEqual([])
        },
        async revision() {
          revision = await inTransaction((trx) => store.revision(trx))
          expect(revision).toBeGreaterThan(0)
        },
        async readFilters() {
          const filters = await inTransaction((trx) => store.readFilters(trx))
          expect(filters).toMatchObject([
            {
              key,
              id: 'ep_1',
              tenantId: 1,
              siteId: 7,
              eventTypes: ['*'],
              ordering: 'none',
              retrySchedule: [0, 60],
            },
            { key: other, siteId: null },
          ])
        },
        async storeMessages() {
          const messages = [
            message('evt_1'),
            message('evt_2'),
            message('evt_3', [target(key, 'lane')]),
            message('evt_4', [target(key, 'lane'), target(other)]),
          ]
          const stored = await inTransaction((trx) => store.storeMessages(trx, messages, now))
          messageKeys = [...stored.keys]
          expect(messageKeys.every(Number.isSafeInteger)).toBe(true)
          expect([...stored.deliveries.values()].map(({ link }) => link?.sequence)).toEqual([
            1,
            2,
            3,
            4,
            undefined,
          ])
        },
        async lastNumbers() {
          expect(await store.lastNumbers([key, 0])).toEqual(new Map([[key, expect.any(Number)]]))
        },
        async addApiKey() {
          const apiKey = { id: 'key_1', hash: 'h1', prefix: 'whk_1', createdOn: now }
          expect(await store.addApiKey(key, apiKey, 1)).toBe('added')
          expect(await store.addApiKey(key, { ...apiKey, id: 'key_2', hash: 'h2' }, 1)).toBe('too_many')
          expect(await store.addApiKey(0, apiKey, 1)).toBe('no_endpoint')
          const replaced = { id: 'key_1', expiresOn: now + 1_000 }
          const next = { ...apiKey, id: 'key_3', hash: 'h3' }
          expect(await store.addApiKey(key, next, 2, { ...replaced, id: 'key_0' })).toBe('no_key')
          expect(await store.addApiKey(key, next, 2, replaced)).toBe('added')
        },
        async findApiKey() {
          const found = await store.findApiKey('h1', now)
          expect(found).toMatchObject({
            id: 'key_1',
            endpointKey: key,
            lastUsedOn: null,
            expiresOn: now + 1_000,
          })
          expect(await store.findApiKey('h1', now + 1_000)).toBeUndefined()
          expect(await store.findApiKey('h3', now + 1_000)).toMatchObject({ id: 'key_3', expiresOn: null })
        },
        async noteApiKeyUse() {
          await store.noteApiKeyUse('key_3', now + 7)
          expect(await store.findApiKey('h3', now)).toMatchObject({ lastUsedOn: now + 7 })
        },
        async listApiKeys() {
          expect((await store.listApiKeys(key, now)).map(({ id }) => id)).toEqual(['key_3', 'key_1'])
          expect((await store.listApiKeys(key, now + 1_000)).map(({ id }) => id)).toEqual(['key_3'])
        },
        async revokeApiKey() {
          expect(await store.revokeApiKey(key, 'key_3', now)).toBe(true)
          expect(await store.revokeApiKey(key, 'key_3', now)).toBe(false)
        },
        async useToken() {
          expect(await store.useToken('token_1', now, now)).toBe(true)
          expect(await store.useToken('token_1', now, now)).toBe(false)
          expect(await store.useToken('token_2', now, now + 2 * 24 * HOUR_MS)).toBe(true)
          expect(await store.useToken('token_1', now, now)).toBe(true)
        },
        async raiseTokenEpoch() {
          await store.raiseTokenEpoch('scope')
          await store.raiseTokenEpoch('scope')
        },
        async readTokenEpoch() {
          expect(await store.readTokenEpoch('scope')).toBe(2)
          expect(await store.readTokenEpoch('another')).toBe(0)
        },
        async noteAudit() {
          await store.noteAudit(key, { action: 'secret_shown', actor: 'Ada' }, now)
        },
        async listAuditLog() {
          const filter = { tenantId: 1, endpointId: 'ep_1', before: Number.MAX_SAFE_INTEGER, limit: 2 }
          const entries = await store.listAuditLog(filter)
          expect(entries).toEqual([
            {
              id: expect.stringMatching(/^log_\d+$/),
              tenantId: 1,
              endpointId: 'ep_1',
              action: 'secret_shown',
              actor: 'Ada',
              details: {},
              createdOn: new Date(now),
            },
            expect.objectContaining({ action: 'key_revoked', details: { keyId: 'key_3' } }),
          ])
          expect(await store.listAuditLog({ ...filter, endpointId: undefined })).toEqual(entries)
          expect(await store.listAuditLog({ ...filter, tenantId: 2 })).toEqual([])
        },
        async saveAlertSettings() {
          const row = {
            on: ['failing' as const],
            quietSeconds: 60,
            locale: 'de' as const,
            timeZone: 'Europe/Berlin',
            sealed: 's',
            keyId: 'k',
          }
          const record = { action: 'alerts_changed', actor: null } as const
          expect(await store.saveAlertSettings(1, { ...row, sealed: 'before' }, record, now, undefined)).toBe(
            true,
          )
          expect(await store.saveAlertSettings(1, row, record, now, 'other')).toBe(false)
          expect(await store.saveAlertSettings(1, row, record, now, 'before')).toBe(true)
          expect(await store.readAlertSettings(1)).toEqual(row)
        },
        async readAlertSettings() {
          expect(await store.readAlertSettings(2)).toBeUndefined()
        },
        async noteAlerts() {
          const failing = { endpointKey: key, kind: 'failing', count: 1 } as const
          await store.noteAlerts(db, [failing, { ...failing, kind: 'exhausted' }], now)
          await store.noteAlerts(db, [failing], now + 1)
        },
        async dueAlerts() {
          expect(await store.dueAlerts(now - 1, [])).toEqual([])
          expect(await store.dueAlerts(now, [2, 1])).toEqual([])
          expect(await store.dueAlerts(now, [2])).toEqual([
            {
              endpointKey: key,
              tenantId: 1,
              kind: 'failing',
              count: 2,
              since: now,
              attempts: 0,
              sent: [],
              version: 0,
            },
          ])
        },
        async takeAlert() {
          const [alert] = (await store.dueAlerts(now, [])) as [DueAlert]
          expect(await store.takeAlert(alert, now, now + 50)).toEqual({ ...alert, version: 1 })
          expect(await store.takeAlert(alert, now, now + 50)).toBeUndefined()
          expect(await store.dueAlerts(now + 49, [])).toEqual([])
        },
        async retryAlert() {
          const [alert] = (await store.dueAlerts(now + 50, [])) as [DueAlert]
          const taken = await store.takeAlert(alert, now + 50, now + 60)
          await store.retryAlert(taken as DueAlert, { sent: ['a'], dueOn: now + 55 })
          expect(await store.dueAlerts(now + 54, [])).toEqual([])
        },
        async endAlert() {
          const [alert] = await store.dueAlerts(now + 55, [])
          expect(alert).toMatchObject({ attempts: 1, sent: ['a'], count: 2 })
          await store.noteAlerts(db, [{ endpointKey: key, kind: 'failing', count: 3 }], now + 56)
          await store.endAlert(alert as DueAlert, { now: now + 60, quietUntil: now + 70, isTold: true })
          expect(await store.dueAlerts(now + 69, [])).toEqual([])
          const [next] = await store.dueAlerts(now + 70, [])
          expect(next).toMatchObject({ attempts: 0, sent: [], count: 3, since: now + 60 })
          await store.endAlert(next as DueAlert, { now: now + 71, quietUntil: now + 80, isTold: false })
          expect(await store.dueAlerts(now + 500, [])).toEqual([])
        },
        async readTold() {
          expect(await store.readTold(key)).toEqual(new Map([['failing', now + 60]]))
        },
        async messagesAfter() {
          const query = { endpointId: 'ep_1', tenantId: 1, after: 2, limit: 10 }
          const { messages, ...rest } = await store.messagesAfter(query)
          expect(rest).toEqual({ first: undefined, last: 4 })
          expect(messages).toMatchObject([
            { sequence: 3, eventId: 'evt_3', chain: expect.any(String), state: 'pending', createdOn: now },
            { sequence: 4, body: message('evt_4').body, headers: message('evt_4').headers },
          ])
        },
        async storeTestMessage() {
          const { targets, ...test } = message('evt_5')
          const stored = await store.storeTestMessage(test, { key: other, sequence: true })
          expect(stored).toEqual({ endpointKey: other, messageKey: expect.any(Number) })
        },
        async nextDueOn() {
          expect(await store.nextDueOn(0)).toBe(now - 5)
          expect(await store.nextDueOn(now + HOUR_MS)).toBeUndefined()
        },
        async leaseDueEndpoints() {
          expect(await store.leaseDueEndpoints(60_000, 10, [1, 2])).toEqual([])
          const leased = await store.leaseDueEndpoints(60_000, 10, [2])
          expect(leased.map(({ endpointKey }) => endpointKey).sort()).toEqual([key, other].sort())
          const taken = leased.find(({ endpointKey }) => endpointKey === key)
          expect(taken).toEqual({ endpointKey: key, epoch: 1, tenantId: 1 })
          lease = { endpointKey: key, epoch: 1 }
        },
        async leaseIdleEndpoints() {
          expect(await store.leaseIdleEndpoints([key, other, 999], 60_000, []), 'these are leased').toEqual(
            [],
          )
        },
        async renewLeases() {
          expect(await store.renewLeases(60_000, [other])).toEqual([
            { ...lease, version: expect.any(Number) },
          ])
        },
        async findDeadNodes() {
          await store.findDeadNodes()
        },
        async dueLeasedEndpoints() {
          expect((await store.dueLeasedEndpoints()).sort()).toEqual([key, other].sort())
        },
        async nextDeliveries() {
          const known = [of(messageKeys[1])]
          const due = await store.nextDeliveries([key], known, 10)
          expect(due.map(({ eventId }) => eventId)).toEqual(['evt_1', 'evt_3'])
          expect(due[0]).toEqual({
            ...of(messageKeys[0]),
            eventId: 'evt_1',
            body: Buffer.from(message('evt_1').body),
            headers: ['content-type', 'text/plain'],
            traceparent: null,
            attemptCount: 0,
            step: 0,
            dueOn: now - 5,
            orderingKey: null,
            manual: false,
            link: { sequence: 1, chain: expect.any(String) },
          })
        },
        async manualDeliveries() {
          const due = await store.manualDeliveries([key, other], [], 10)
          expect(due).toMatchObject([
            { endpointKey: other, eventId: 'evt_5', orderingKey: null, manual: true },
          ])
          expect(await store.manualDeliveries([key, other], due, 10)).toEqual([])
        },
        async recordAttempts() {
          const [first = 0, second = 0, third = 0] = messageKeys
          const told: number[] = []
          const record = (
            results: AttemptResult[],
            states: Parameters<typeof store.recordAttempts>[0]['states'] = [],
          ) =>
            store.recordAttempts({ results, states }, async (_trx, recorded) => {
              told.push(...recorded.exhausted.map(({ messageKey }) => messageKey))
              expect(recorded.endpoints.get(key)).toMatchObject({ id: 'ep_1' })
            })
          await record([successOf(key, first, lease.epoch, now - 5)])
          await record([successOf(key, second, lease.epoch, now - 5)])
          const state = {
            endpointKey: key,
            epoch: lease.epoch,
            resets: (await store.readEndpointStates([key])).get(key)?.resets ?? 0,
            failingSince: now,
            notBefore: now + 1,
            details: '{}',
            rate: '[]',
            changes: 1,
          }
          await record([{ ...failure(third), orderingKey: 'lane' }], [state])
          expect(told).toEqual([third])
        },
        async readEndpointStates() {
          const state = {
            failingSince: now,
            notBefore: now + 1,
            details: '{}',
            rate: '[]',
            resets: expect.any(Number),
            wasHandedBack: expect.any(Boolean),
          }
          expect(await store.readEndpointStates([key, 2 ** 40])).toEqual(new Map([[key, state]]))
        },
        async settleQueue() {
          await store.settleQueue([key])
        },
        async messageRange() {
          const range = { since: now - HOUR_MS, until: now + HOUR_MS }
          expect(await store.messageRange(range)).toEqual({
            first: expect.any(Number),
            end: expect.any(Number),
          })
        },
        async hasFewPending() {
          expect(await store.hasFewPending(owner)).toBe(true)
        },
        async newestOfEndpoints() {
          const sources = ['all', 'pending', 'exhausted', 'cancelled', 'failed'] as const
          for (const source of sources) {
            const newest = await store.newestOfEndpoints(source, owner, { ...anywhere, limit: 10 })
            const [first] = await store.newestDeliveries(source, [key], { ...anywhere, limit: 1 })
            expect(newest).toEqual(first ? [{ source, ...of(first.messageKey) }] : [])
          }
        },
        async newestDeliveries() {
          const read = async (source: DeliverySource) =>
            (await store.newestDeliveries(source, [key], { ...anywhere, limit: 10 })).map(({ row }) => row)
          const all = await read('all')
          expect(all.map((row) => row?.state)).toEqual(['pending', 'exhausted', 'succeeded', 'succeeded'])
          expect(all.map((row) => row?.hasFailedAttempts)).toContain(true)
          for (const state of ['pending', 'exhausted', 'cancelled'] as const) {
            expect(await read(state)).toEqual(all.filter((row) => row?.state === state))
          }
        },
        async latestDeliveries() {
          const all = await store.newestDeliveries('all', [key], { ...anywhere, limit: 10 })
          const read = (limit: number, conditions: object = {}) =>
            store.latestDeliveries(owner, { ...ANYTHING, ...conditions }, { ...anywhere, limit })
          const whole = await read(10)
          expect(whole).toMatchObject({ found: all, own: all.length })
          expect(whole.read).toBeGreaterThan(all.length)
          const some = await read(3)
          expect(some).toMatchObject({ read: 3, last: { createdOn: now } })
          expect(some.found).toEqual(all.slice(0, some.own))
          const [exhausted] = all.filter(({ row }) => row?.state === 'exhausted')
          const conditions = {
            states: ['exhausted'],
            statuses: [500, 599],
            errorCode: 'http_status',
            hasFailedAttempts: true,
            eventType: 'FILE.*',
            createdAfter: now - HOUR_MS,
            createdBefore: now + HOUR_MS,
          }
          // The last that was read is there in any case.
          const { found, last } = await read(10, conditions)
          expect(found.filter(({ messageKey }) => messageKey !== last?.messageKey)).toEqual([exhausted])
        },
        async countFiltered() {
          const times = { since: undefined, until: undefined, limit: 10 }
          const states = ['exhausted', 'cancelled'] as const
          for (const [source, eventType] of [
            [undefined, undefined],
            [undefined, 'file.*'],
            ['failed', undefined],
            ['exhausted', '*.Update'],
          ] as const) {
            const conditions = { ...ANYTHING, states, hasFailedAttempts: true, eventType }
            expect(await store.countFiltered(source, owner, conditions, times)).toMatchObject({ count: 1 })
          }
          expect(await store.countFiltered('all', owner, ANYTHING, { ...times, limit: 2 })).toEqual({
            count: 2,
            own: 2,
            read: 2,
          })
        },
        async oldestDeliveries() {
          const [oldest] = await store.oldestDeliveries(db, 'all', {
            endpointKey: key,
            after: 0,
            upto: messageKeys.at(-1) as number,
            limit: 1,
          })
          expect(oldest).toMatchObject(of(messageKeys[0]))
        },
        async nextEndpoint() {
          const range = { first: 0, last: messageKeys.at(-1) as number }
          expect(await store.nextEndpoint(db, 'exhausted', owner, { ...range, after: 0 })).toBe(key)
          expect(await store.nextEndpoint(db, 'all', owner, { ...range, after: key })).toBeUndefined()
        },
        async countDeliveries() {
          const range = { first: 0, last: messageKeys.at(-1) as number }
          expect(await store.countDeliveries('exhausted', owner, range)).toBe(1)
        },
        async countSome() {
          const times = { since: now - HOUR_MS, until: undefined }
          expect(await store.countSome('exhausted', owner, { ...times, limit: 10 })).toBe(1)
          expect(await store.countSome('all', owner, { ...times, limit: 2 })).toBe(2)
        },
        async lastMessage() {
          expect(await store.lastMessage()).toBeGreaterThanOrEqual(messageKeys.at(-1) as number)
        },
        async deliveriesOfEvent() {
          const [found] = await store.deliveriesOfEvent(owner, 'evt_3')
          expect(found).toMatchObject({ ...of(messageKeys[2]), row: { eventId: 'evt_3' } })
        },
        async findDelivery() {
          expect(await store.findDelivery(of(messageKeys[2]))).toEqual({
            ...of(messageKeys[2]),
            endpointId: 'ep_1',
            tenantId: 1,
            eventId: 'evt_3',
            eventType: 'File.Update',
            state: 'exhausted',
            attemptCount: 1,
            dueOn: expect.any(Number),
            createdOn: now,
            finishedOn: expect.any(Number),
            lastStatus: 500,
            lastErrorCode: 'http_status',
            step: expect.any(Number),
            orderingKey: 'lane',
            manual: false,
            link: { sequence: 3, chain: expect.any(String) },
          })
        },
        async readMessage() {
          const { body, headers } = message('evt_1')
          expect(await store.readMessage(messageKeys[0] ?? 0)).toEqual({ body, headers })
        },
        async readAttempts() {
          const { url, signature, status, errorCode, errorMessage, responseBody, details } = failure(0)
          expect(await store.readAttempts(of(messageKeys[2]), 9)).toEqual([
            {
              number: 1,
              startedOn: now - 5,
              durationMs: 3,
              url,
              signature,
              status,
              errorCode,
              errorMessage,
              responseBody,
              details,
            },
          ])
          expect(await store.readAttempts(of(messageKeys[2]), 9, 1)).toEqual([])
        },
        async resend() {
          expect(await store.resend(of(messageKeys[0]))).toBeUndefined()
          expect(await store.resend(of(999))).toBe('not_found')
        },
        async cancel() {
          expect(await store.cancel(of(messageKeys[0]))).toBe(true)
          expect(await store.cancel(of(messageKeys[0]))).toBe(false)
        },
        async counts() {
          expect(await store.counts(now)).toEqual({
            enabled: 2,
            disabled: 0,
            pending: 3,
            exhausted: 1,
            oldestDueOn: expect.any(Number),
          })
        },
        async measureQueue() {
          const { pending, exhausted } = await store.measureQueue(now, 2)
          expect({ pending, exhausted }).toEqual({ pending: 2, exhausted: 1 })
        },
        async actorOf() {
          const cancelled = { action: 'delivery_cancelled' as const, messageKey: messageKeys[0] ?? 0 }
          const [entry] = await store.listAuditLog({
            tenantId: 1,
            endpointId: 'ep_1',
            before: Number.MAX_SAFE_INTEGER,
            limit: 1,
          })
          const on = entry?.createdOn.getTime() ?? 0
          expect(await store.actorOf(key, { ...cancelled, on })).toBe(entry?.actor)
          expect(await store.actorOf(key, { ...cancelled, on: 0 })).toBeUndefined()
        },
        async disabledAt() {
          expect(await store.disabledAt([key, other], now - 1)).toEqual(new Map())
        },
        async endpointStandings() {
          const standings = await store.endpointStandings([key, other, 999])
          expect([...standings.keys()].sort()).toEqual([key, other].sort())
          expect(standings.get(key)).toEqual({
            key,
            id: 'ep_1',
            enabled: true,
            disabledOn: null,
            disabledReason: null,
            deletedOn: null,
            isPull: false,
            retrySchedule: [0, 60],
            failingSince: now,
            notBefore: now + 1,
            details: '{}',
          })
        },
        async endpointBacklogs() {
          const backlogs = await store.endpointBacklogs([key, other])
          expect(backlogs.get(key)).toEqual({ waiting: 1, oldestOn: now, dueOn: expect.any(Number) })
          expect(backlogs.get(other)).toEqual({ waiting: 2, oldestOn: now, dueOn: expect.any(Number) })
        },
        async findMessageOf() {
          const { body, headers } = message('evt_1')
          expect(await store.findMessageOf('evt_1', 1)).toMatchObject({
            key: messageKeys[0],
            eventType: 'File.Update',
            siteId: 7,
            createdOn: now,
            body,
            headers,
          })
          expect(await store.findMessageOf('evt_1', 2)).toBeUndefined()
        },
        async countAhead() {
          const [, , , last = 0] = messageKeys
          const inLine = { endpointKey: key, messageKey: last + 99, dueOn: now + HOUR_MS }
          expect(await store.countAhead(inLine)).toEqual({ ahead: 1, aheadCapped: false })
          expect(await store.countAhead({ ...inLine, messageKey: last, dueOn: 0 })).toEqual({
            ahead: 0,
            aheadCapped: false,
          })
        },
        async findPredecessor() {
          const behind = { endpointKey: key, messageKey: (messageKeys[3] ?? 0) + 99, orderingKey: 'lane' }
          expect(await store.findPredecessor(behind)).toEqual({
            messageKey: messageKeys[3],
            ahead: 1,
            aheadCapped: false,
          })
          expect(await store.findPredecessor({ ...behind, orderingKey: 'other' })).toEqual({
            messageKey: null,
            ahead: 0,
            aheadCapped: false,
          })
        },
        async lockEndpoint() {
          expect(await inTransaction((trx) => store.lockEndpoint(trx, key))).toBe('enabled')
          expect(await inTransaction((trx) => store.lockEndpoint(trx, 999))).toBe('deleted')
        },
        async resendIn() {
          const keys = messageKeys.slice(0, 2)
          expect(await inTransaction((trx) => store.resendIn(trx, key, keys, now))).toBe(2)
        },
        async cancelIn() {
          const keys = messageKeys.slice(0, 2)
          expect(await inTransaction((trx) => store.cancelIn(trx, key, keys, now))).toBe(2)
        },
        async readWindow() {
          const window = { endpointKey: key, after: 0, upto: 99, state: 'exhausted', limit: 9 } as const
          expect(await inTransaction((trx) => store.readWindow(trx, window))).toEqual([
            {
              messageKey: messageKeys[2],
              state: 'exhausted',
              createdOn: now,
              eventId: 'evt_3',
              eventType: 'File.Update',
            },
          ])
        },
        async windowOf() {
          const upto = messageKeys[3] ?? 0
          expect(await store.windowOf(key, undefined, { since: now, until: now + 1 })).toEqual({
            count: 4,
            after: (messageKeys[0] ?? 0) - 1,
            upto,
          })
          expect(await store.windowOf(999, 'exhausted', {})).toEqual({ count: 0, after: 0, upto: 0 })
        },
        async readBodies() {
          const keys = [messageKeys[0] ?? 0, 10_000]
          const found = await inTransaction((trx) => store.readBodies(trx, keys))
          expect([...found]).toEqual([
            [messageKeys[0], { body: '{"id":"evt_1","text":"Ä"}', headers: ['content-type', 'text/plain'] }],
          ])
        },
        async readMessages() {
          const found = await inTransaction((trx) =>
            store.readMessages(trx, { after: 0, upto: 99, limit: 1 }),
          )
          expect(found).toEqual([
            {
              key: messageKeys[0],
              eventId: 'evt_1',
              eventType: 'File.Update',
              tenantId: 1,
              siteId: 7,
              createdOn: now,
              variant: null,
            },
          ])
        },
        async messagesOf() {
          const { after, last } = await store.messagesOf({ since: now, until: undefined })
          expect({ after, last }).toEqual({ after: 0, last: expect.any(Number) })
        },
        async findEventsHad() {
          expect(await store.findEventsHad(undefined, other, ['evt_1', 'evt_4'])).toEqual(['evt_4'])
        },
        async addDeliveries() {
          const added = [{ messageKey: messageKeys[0] ?? 0, createdOn: now, orderingKey: null }]
          await inTransaction((trx) => store.addDeliveries(trx, other, added, now))
          expect(await store.findEventsHad(undefined, other, ['evt_1', 'evt_4'])).toHaveLength(2)
        },
        async releaseLeases() {
          await store.releaseLeases([lease])
          expect((await store.readEndpointStates([key])).get(key)).toMatchObject({ wasHandedBack: true })
        },
        async takeReconciliation() {
          expect(await store.takeReconciliation(HOUR_MS)).toBe(true)
          expect(await store.takeReconciliation(HOUR_MS)).toBe(false)
        },
        async reconcileEndpoints() {
          await sql`update store_webhook_queue set due_on = null`.execute(db)
          const { last, repairs } = await store.reconcileEndpoints(0, 10)
          expect(last).toBe(Math.max(key, other))
          expect(repairs).toContainEqual({ kind: 'late_endpoint', endpointKey: other, count: 1 })
        },
        async reconcileOrderingKeys() {
          await sql`update store_webhook_delivery set due_on = null where ordering_key is not null`.execute(
            db,
          )
          const { last, repairs } = await store.reconcileOrderingKeys({ endpointKey: 0, orderingKey: '' }, 10)
          expect(last).toEqual({ endpointKey: key, orderingKey: 'lane' })
          expect(repairs).toEqual([
            { kind: 'stuck_ordering_key', endpointKey: key, orderingKey: 'lane', count: 1 },
          ])
        },
        async rollUpCounters() {
          const { last, more } = await store.rollUpCounters(500, 0)
          expect({ isSome: last > 0, more }).toEqual({ isSome: true, more: false })
          expect(await store.rollUpCounters(500, last)).toEqual({ last, more: false })
        },
        async readStatistics() {
          const range = { tenantId: 1, endpointKey: key, since: 0, until: now + HOUR_MS }
          const [counts] = await store.readStatistics(range)
          expect(counts).toMatchObject({ tenantId: 1, endpointKey: key, seconds: 60 })
          expect(counts).toMatchObject({ succeeded: 2, failed: 1, exhausted: 1 })
          expect(counts?.latency.size).toBe(1)
        },
        async readHours() {
          const since = now - HOUR_MS
          const range = { tenantId: 1, endpointKeys: [key, other], since, until: now + HOUR_MS }
          const [hour, ...rest] = await store.readHours(range)
          expect(hour).toMatchObject({ endpointKey: key, succeeded: 2, failed: 1 })
          expect(rest).toEqual([])
        },
        async nextStatistics() {
          const before = { tenantId: 1, endpointKey: 0 }
          expect(await store.nextStatistics(before)).toEqual({ tenantId: 1, endpointKey: key })
        },
        async tidyStatistics() {
          const owner = { tenantId: 1, endpointKey: key }
          await store.tidyStatistics(owner, { hoursBefore: now + HOUR_MS, dropBefore: LONG_AGO, now })
          const [counts] = await store.readStatistics({ ...owner, since: 0, until: now + HOUR_MS })
          expect(counts).toMatchObject({ seconds: 3600, succeeded: 2 })
        },
        async recordStraight() {
          const event = await readOne()
          const result = { ...successOf(key, -1, lease.epoch, now - 5), responseBody: 'Ä' }
          await inTransaction((trx) => store.recordStraight(trx, [{ event, result }], now))
          const [first] = await store.newestDeliveries('all', [key], { ...anywhere, limit: 1 })
          straightKey = first?.messageKey ?? 0
          expect(first?.row).toMatchObject({ eventId: event.id, eventType: 'File.Update', attemptCount: 1 })
          expect(await store.readAttempts(of(straightKey), 9)).toMatchObject([
            { number: 1, responseBody: 'Ä' },
          ])
        },
        async composeStraight() {
          const event = await readOne()
          expect(await store.composeStraight(straightKey)).toEqual(composeStraight(event))
          expect(await store.composeStraight(messageKeys[0] as number)).toBeUndefined()
        },
        async composeAgain() {
          const composed = composeStraight(await readOne())
          const keys = [straightKey, messageKeys[0] as number]
          expect(await store.composeAgain(keys)).toEqual(new Map([[straightKey, composed]]))
        },
        async findFannedOut() {
          const event = await readOne()
          const found = [
            { eventId: event.id, endpointKey: key, messageKey: straightKey, isPending: false, link: null },
          ]
          expect(await store.findFannedOut(undefined, [event])).toEqual(found)
          expect(await store.findFannedOut(undefined, [event], other)).toEqual([])
        },
        async keptEndpoints() {
          expect(await inTransaction((trx) => store.keptEndpoints(trx, [key, 999]))).toEqual([key])
        },
        async latestEpochs() {
          expect(await inTransaction((trx) => store.latestEpochs(trx, [999]))).toEqual(new Map())
        },
        async purgeQueue() {
          await store.purgeQueue(now - HOUR_MS)
        },
        async firstEventNeeded() {
          expect(await store.firstEventNeeded()).toBeGreaterThan(0)
        },
        async purgeStraight() {
          expect(await store.purgeStraight(now - HOUR_MS, undefined, 10)).toBeUndefined()
          const event = await readOne()
          await inTransaction((trx) =>
            store.recordStraight(trx, [{ event, result: successOf(withoutIt, -1, lease.epoch, 5) }], now),
          )
          const mark = await store.purgeStraight(10, undefined, 10)
          expect(mark).toEqual({ eventSequence: expect.any(Number), messageKey: expect.any(Number) })
          expect(await store.purgeStraight(10, mark, 10)).toBeUndefined()
        },
        async recordAtOnce() {
          const event = await readOne()
          const result = successOf(withoutIt, -1, lease.epoch, 5)
          const fence: FencePart = {
            query: (condition) => `select 1 as held where ${condition}`,
            parameters: [null, null, null, null, null],
          }
          const at = await inTransaction((trx) => store.revision(trx))
          const lost = { ...fence, query: () => 'select 1 as held where false' }
          const record = (given: FencePart, revision: number) =>
            store.recordAtOnce?.(given, revision, [{ event, result }], now)
          if (!store.recordAtOnce) return
          expect(await record(fence, at + 1)).toBe('not_written')
          expect(await record(lost, at)).toBe('lease_lost')
          expect(await store.purgeStraight(10, undefined, 10)).toBeUndefined()
          expect(await record(fence, at)).toBe('committed')
          expect(await store.purgeStraight(10, undefined, 10)).toBeDefined()
        },
        async storeStraight() {
          const event = await readOne()
          await store.storeStraight(undefined, key, [straightKey])
          expect(await store.composeStraight(straightKey)).toBeUndefined()
          expect(await store.readMessage(straightKey)).toEqual(composeStraight(event))
          expect(await store.readAttempts(of(straightKey), 9)).toMatchObject([
            { number: 1, responseBody: 'Ä' },
          ])
          await store.storeStraight(undefined, key, [straightKey])
        },
        async purge() {
          expect(await store.purge(LONG_AGO, 0, 10)).toBeUndefined()
          expect(await store.purge(now + HOUR_MS, 0, 10)).toBeGreaterThan(0)
          expect(await store.findDelivery(of(messageKeys[2]))).toBeUndefined()
        },
        async purgeJobs() {
          const running = await jobs.createJob({ ...(await found()), id: 'job_3' })
          expect(await store.purgeJobs(now, 0, 10)).toBeUndefined()
          expect(await store.purgeJobs(now + 1, 0, 10)).toBe(running.key)
          expect(await jobs.findJob(job.id)).toBeUndefined()
          expect(await jobs.findJob(running.id)).toEqual(running)
        },
        async deleteEndpoint() {
          await store.deleteEndpoint(other, now)
          expect(await store.readEndpoint(other)).toBeUndefined()
          expect(await inTransaction((trx) => store.revision(trx))).toBeGreaterThan(revision)
        },
        async closeTenant() {
          expect((await store.closeTenant(1, now)).sort()).toEqual([key, other].sort())
        },
        async purgeDeliveries() {
          let deleted = 0
          for (let count = 1; count > 0; deleted += count) count = await store.purgeDeliveries(1, 500)
          expect(deleted).toBe(4)
        },
        async latestNoted() {
          expect(await store.latestNoted()).toSatisfy(Number.isSafeInteger)
        },
        async bringTimesBack() {
          await store.bringTimesBack({ now, latest: now }, 60_000)
        },
        async purgeMessages() {
          expect(await store.purgeMessages(1, 0, 500)).toEqual({ deliveries: 0, last: undefined })
        },
        async purgeEndpoints() {
          expect(await store.purgeEndpoints(1)).toBe(2)
        },
        async purgeAlerts() {
          await store.purgeAlerts(1)
          expect(await store.readAlertSettings(1)).toBeUndefined()
        },
        async purgeAuditLog() {
          expect(await store.purgeAuditLog(now, 500)).toBe(0)
          expect(await store.purgeAuditLog(now + 1, 2)).toBe(2)
        },
        async purgeAuditLogOf() {
          expect(await store.purgeAuditLogOf(2, 500)).toBe(0)
          expect(await store.purgeAuditLogOf(1, 500)).toBeGreaterThan(0)
        },
        async purgeStatistics() {
          expect(await store.purgeStatistics(1, 500)).toBe(2)
        },
      }
      const job: Pick<JobRow, 'id'> = { id: 'job_1' }
      const found = async () => (await jobs.findJob(job.id)) as JobRow
      const jobSteps: Record<keyof JobStore, () => Promise<void>> = {
        async createJob() {
          const cursor = { message: 0, lastMessage: 9 }
          const options = { since: now }
          const given = {
            id: job.id,
            tenantId: 1,
            endpointKey: key,
            kind: 'recover',
            total: 9,
            createdOn: now,
          } as const
          const created = await jobs.createJob({ ...given, cursor, options })
          expect(created).toEqual({
            ...given,
            cursor,
            options,
            key: expect.any(Number),
            endpointId: 'ep_1',
            state: 'running',
            done: 0,
            affected: 0,
            errorMessage: null,
            finishedOn: null,
            version: 0,
          })
        },
        async findJob() {
          expect(await jobs.findJob('job_2')).toBeUndefined()
        },
        async listJobs() {
          const filter = { tenantId: 1, endpointId: 'ep_1', before: undefined, limit: 5 }
          expect(await jobs.listJobs(filter)).toEqual([await found()])
        },
        async takeJob() {
          expect(await jobs.takeJob(() => true, now)).toBeUndefined()
          expect(await jobs.takeJob(() => false, now)).toMatchObject({ id: job.id, version: 1 })
        },
        async stepJob() {
          const cursor = { message: 5, lastMessage: 9 }
          const progress = { state: 'running', cursor, done: 5, affected: 2, errorMessage: null } as const
          expect(await jobs.stepJob(await found(), now, async () => progress)).toMatchObject(progress)
          expect(await found()).toMatchObject(progress)
        },
        async releaseJob() {
          await jobs.releaseJob(await found(), now)
        },
        async cancelJob() {
          const running = await found()
          expect(await jobs.cancelJob(running, now)).toBe(true)
          expect(await jobs.cancelJob(running, now)).toBe(false)
        },
      }
      for (const [name, step] of Object.entries(steps)) {
        if (name === 'purge') for (const jobStep of Object.values(jobSteps)) await jobStep()
        await step()
      }
    })
  })
}
