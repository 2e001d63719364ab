import { randomBytes } from 'node:crypto'
import { request as sendRequest } from 'node:http'
import { dirname, join } from 'node:path'
import type { Clock, Logger, SyncEvent } from '@x/events-core'
import { createEventEngine, type EventEngineOptions } from '@x/events-engine'
import { createWebhookSender } from '@x/sender'
import { sqliteTemplate, temporaryFolder, waitFor } from '@x/testkit'
import { type DatabaseTemplate, postgresDatabase } from '@x/testkit/postgres'
import type { Kysely } from 'kysely'
import { captureEntities, migrateHostTables } from '../src/database/migrate.ts'
import { openDatabase } from '../src/database/open-database.ts'
import type { HostTables } from '../src/database/tables.ts'
import { type Host, openHost } from '../src/host/open-host.ts'
import { type CreatedTenant, createTenant, issueAdminToken } from '../src/host/tenants.ts'
import { testDialect } from './each-database.ts'

/** What a test sends; the body is JSON unless it is a form or text. */
export interface TestRequest {
  readonly method?: string
  readonly token?: string | undefined
  /** The name that the host is asked for under: tells the tenant. */
  readonly hostName?: string | undefined
  readonly body?: object | string | undefined
  readonly headers?: Readonly<Record<string, string>>
}

/** A host in this process, with a data folder of its own. */
export interface TestHost extends AsyncDisposable {
  readonly host: Host
  readonly dataDir: string
  /** Sends a request as the first tenant's administrator, if nothing else is said. */
  send(path: string, request?: TestRequest): Promise<Response>
  /** Adds a tenant that is reached under a name of its own. */
  addTenant(hostName: string): Promise<CreatedTenant & { readonly token: string; readonly hostName: string }>
  /** The events so far: all that were committed before this was called. */
  events(): Promise<readonly SyncEvent[]>
  /** The errors that the host has logged, for tests that cause some: any other test fails by them. */
  takeErrors(): readonly unknown[]
}

/** Reads an answer's JSON as what the test expects it to be. */
export async function jsonOf<TBody>(answer: Response | Promise<Response>): Promise<TBody> {
  return (await (await answer).json()) as TBody
}

/** What every refusal has to look like. */
export interface ProblemDocument {
  readonly code: string
  readonly title: string
  readonly status: number
  readonly detail?: string
  readonly errors?: Record<string, string[]>
}

/** What {@link openTestHost} takes. */
export interface TestHostOptions {
  readonly maxUploadBytes?: number
  readonly maxStreamsPerAddress?: number
  readonly requestTimeoutMs?: number
  /** 0, if nothing else is said: one that is free. */
  readonly port?: number
  /** The data of a host that was closed, to open it again; without it, the host begins with none. */
  readonly dataDir?: string
  readonly clock?: Clock
}

// Making the tables of host, engine and sender, and their triggers, takes longer than most tests.
const migrated: DatabaseTemplate = {
  name: 'reference_host',
  fill: ({ db, pool }) => migrate({ db: db as Kysely<HostTables>, postgres: { pool } }),
}

const writeMigrated = sqliteTemplate(async (file) => {
  const { db } = await openDatabase({ dataDir: dirname(file), databaseUrl: undefined })
  await using _ = db
  await migrate({ db })
})

async function migrate(connection: Pick<EventEngineOptions<HostTables>, 'db' | 'postgres'>): Promise<void> {
  const engine = createEventEngine(connection)
  await migrateHostTables(connection.db)
  await engine.migrate()
  await captureEntities(engine)
  await createWebhookSender({ engine, encryptionKey: randomBytes(32) }).migrate()
}

/** Opens a host; when the test ends, it must not have logged an error. */
export async function openTestHost(options: TestHostOptions = {}): Promise<TestHost> {
  await using opened = new AsyncDisposableStack()
  const dataDir = options.dataDir ?? opened.use(await temporaryFolder()).path
  const database =
    testDialect() === 'postgres' ? opened.use(await postgresDatabase(undefined, migrated)) : undefined
  const isNew = database === undefined && options.dataDir === undefined
  if (isNew) await writeMigrated(join(dataDir, 'host.db'))
  const errors: unknown[] = []
  const logger: Logger = {
    debug() {},
    info() {},
    warn() {},
    error: (details, message) => void errors.push({ message, ...details }),
  }
  const config = {
    host: '127.0.0.1',
    port: options.port ?? 0,
    dataDir,
    databaseUrl: database?.url,
    previousEncryptionKeys: [],
    allowNetworks: ['127.0.0.0/8'],
    maxUploadBytes: options.maxUploadBytes ?? 64 * 1024 * 1024,
    maxStreamsPerAddress: options.maxStreamsPerAddress ?? 200,
    requestTimeoutMs: options.requestTimeoutMs ?? 60_000,
    shutdownDelayMs: 0,
    trustedProxies: 0,
    hasOpenMetrics: false,
    logLevel: 'silent',
  } as const
  const host = await openHost(config, logger, { clock: options.clock })
  opened.defer(() => host.close())
  const { engine, tokenRepository } = host.services
  const events: SyncEvent[] = []
  engine.syncManager.on('entityChanged', (event) => events.push(event))

  const cleanUp = opened.move()
  return {
    host,
    dataDir,
    send: (path, request = {}) => sendTo(host.url + path, { token: host.adminToken, ...request }),
    async addTenant(hostName) {
      const tenant = await createTenant(engine, { name: hostName, aliases: [hostName] })
      const token = await issueAdminToken(tokenRepository, tenant.tenantId)
      return { ...tenant, hostName, token }
    },
    async events() {
      const marker = await engine.syncManager.addSyncEvent({ tenantId: 0, siteId: 0 }, 'Host', 0, 'Marker')
      await waitFor(() => events.some(({ id }) => id === marker.id), 'the events committed so far')
      return events.filter(({ action }) => action !== 'Marker')
    },
    takeErrors: () => errors.splice(0),
    async [Symbol.asyncDispose]() {
      await cleanUp.disposeAsync()
      if (errors.length > 0) throw new Error(`The host logged errors: ${JSON.stringify(errors)}`)
    },
  }
}

// Not fetch: it does not let a test choose the Host header.
function sendTo(
  url: string,
  { method, token, hostName, body, headers = {} }: TestRequest,
): Promise<Response> {
  const content = typeof body === 'object' ? JSON.stringify(body) : body
  return new Promise((resolve, reject) => {
    const outgoing = sendRequest(url, {
      method: method ?? (body === undefined ? 'GET' : 'POST'),
      headers: {
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(hostName === undefined ? {} : { host: hostName }),
        ...(content === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
    })
    outgoing.on('error', reject)
    outgoing.on('response', async (incoming) => {
      const chunks: Buffer[] = []
      for await (const chunk of incoming) chunks.push(chunk as Buffer)
      const status = incoming.statusCode ?? 0
      const received = Object.entries(incoming.headers).map(([name, value]): [string, string] => [
        name,
        String(value),
      ])
      const isEmpty = status === 204 || method === 'HEAD'
      resolve(new Response(isEmpty ? null : Buffer.concat(chunks), { status, headers: received }))
    })
    outgoing.end(content)
  })
}

/** Uploads a text under a name, in a form as browsers send it. */
export async function upload(
  { send }: TestHost,
  name: string,
  content: string,
  request: TestRequest & { readonly fields?: Readonly<Record<string, string>> } = {},
): Promise<Response> {
  const boundary = 'a-boundary'
  const fields = Object.entries(request.fields ?? {}).map(
    ([field, value]) =>
      `--${boundary}\r\ncontent-disposition: form-data; name="${field}"\r\n\r\n${value}\r\n`,
  )
  const head = `--${boundary}\r\ncontent-disposition: form-data; name="file"; filename="${name}"\r\ncontent-type: text/plain\r\n\r\n`
  return send('/api/File/upload', {
    ...request,
    method: 'POST',
    body: `${fields.join('')}${head}${content}\r\n--${boundary}--\r\n`,
    headers: { 'content-type': `multipart/form-data; boundary=${boundary}` },
  })
}
