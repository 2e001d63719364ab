import { createServer } from 'node:http'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import {
  ALL_SITES,
  ALL_TENANTS,
  type Clock,
  EntityNames,
  type IServiceScopeFactory,
  type Logger,
  SyncEventActions,
} from '@x/events-core'
import type { Express } from 'express'
import type { HostConfig } from '../config.ts'
import { captureEntities, migrateHostTables } from '../database/migrate.ts'
import { openDatabase } from '../database/open-database.ts'
import { openFileStorage } from '../files/file-storage.ts'
import { createApp } from '../http/app.ts'
import { CacheInvalidationEventSubscriber } from '../subscribers/cache-invalidation-event-subscriber.ts'
import { FileDownloadEventSubscriber } from '../subscribers/file-download-event-subscriber.ts'
import {
  SiteSynchronizationEventSubscriber,
  SYNCHRONIZED_EVENTS,
} from '../subscribers/site-synchronization-event-subscriber.ts'
import { defineEventTypes } from './event-types.ts'
import { closeServer, listen, timeoutsOf } from './listen.ts'
import { assertSameInstallation, readSecrets } from './secrets.ts'
import { createServices, type Services, type ShowMetrics, scopesOf } from './services.ts'
import { ADMIN, ensureMasterTenant } from './tenants.ts'

/** A host that runs. */
export interface Host extends AsyncDisposable {
  /** Where it listens: `http://127.0.0.1:4000`. */
  readonly url: string
  /** The token of the first tenant's administrator. */
  readonly adminToken: string
  /** False once it was rotated through the API. */
  readonly isAdminTokenGood: boolean
  readonly app: Express
  readonly services: Services
  /** Opens scopes for work that no request asked for. */
  readonly serviceScopeFactory: IServiceScopeFactory
  /**
   * Is not ready any more, then takes no further request, ends streams, lets what is under way end, and
   * closes the database.
   */
  close(): Promise<void>
}

/** What a process may add to its host. */
export interface OpenHostOptions {
  /** Answers `GET /metrics`. */
  readonly showMetrics?: ShowMetrics
  /** What events and webhooks go by; a test's stands still until it is moved. */
  readonly clock?: Clock | undefined
}

/**
 * Opens a host: database, event engine, webhook sender, HTTP server, in the order in which they need
 * each other. When one of them fails, those before it are closed again.
 */
export async function openHost(
  config: HostConfig,
  logger: Logger,
  { showMetrics, clock }: OpenHostOptions = {},
): Promise<Host> {
  await using opened = new AsyncDisposableStack()

  // 1. What everything else is made of.
  const secrets = await readSecrets(config)
  const database = await openDatabase(config)
  opened.defer(() => database.db.destroy())
  const fileStorage = await openFileStorage(join(config.dataDir, 'files'))
  const container = createServices({ ...database, config, logger, clock, fileStorage, secrets, showMetrics })
  const { db, engine, sender, syncStreams, closing, readiness, hostCache, tokenRepository } = container.cradle
  const serviceScopeFactory = scopesOf(container)

  // 2. Tables, and the triggers that raise every change of an entity.
  await migrateHostTables(db)
  await assertSameInstallation(db, secrets)
  await engine.migrate()
  await captureEntities(engine)
  await sender.migrate()

  // 3. Subscribers, before anything is raised: they hear of it from the first event on.
  defineEventTypes(sender)
  await engine.subscribe(new FileDownloadEventSubscriber(serviceScopeFactory), {
    name: 'file-download',
    mode: 'durable',
    filter: 'File.Download',
  })
  await engine.subscribe(new SiteSynchronizationEventSubscriber(engine, serviceScopeFactory), {
    name: 'site-synchronization',
    mode: 'durable',
    filter: SYNCHRONIZED_EVENTS,
    // Events of one tenant after each other; a site that joins a group has all of the primary's content to copy.
    concurrency: 4,
    orderBy: 'tenant',
    timeoutMs: 10 * 60 * 1_000,
  })
  await engine.subscribe(new CacheInvalidationEventSubscriber(hostCache), {
    name: 'cache-invalidation',
    mode: 'broadcast',
    filter: ['Site.*', 'Page.*', 'User.*'],
  })

  // 4. Uploads that a crash left behind, the engine, the sender, and the first tenant.
  await removeOrphans(container.cradle)
  opened.use(engine)
  await engine.start()
  opened.use(sender)
  await sender.start()
  const tenantId = await ensureMasterTenant(engine, config.port)
  await tokenRepository.setToken({ tenantId, name: ADMIN }, secrets.adminToken)
  const isAdminTokenGood = (await tokenRepository.findHolder(secrets.adminToken)) !== undefined

  // 5. HTTP.
  const app = createApp(container)
  const server = createServer(timeoutsOf(config.requestTimeoutMs), app)
  const url = await listen(server, config.port, config.host)
  opened.defer(() => closeServer(server))
  // Before the server: streams never end by themselves, and their clients are to reconnect elsewhere.
  opened.use(syncStreams)
  opened.defer(() => closing.abort())

  // 6. Clients of every tenant load their application again: it may be another version now.
  const everywhere = { tenantId: ALL_TENANTS, siteId: ALL_SITES }
  await engine.syncManager.addSyncEvent(everywhere, EntityNames.Host, -1, SyncEventActions.Reload)
  readiness.isReady = true

  const cleanUp = opened.move()
  async function close(): Promise<void> {
    readiness.isReady = false
    await setTimeout(config.shutdownDelayMs)
    await cleanUp.disposeAsync()
  }
  return {
    url,
    adminToken: secrets.adminToken,
    isAdminTokenGood,
    app,
    services: container.cradle,
    serviceScopeFactory,
    close,
    [Symbol.asyncDispose]: close,
  }
}

async function removeOrphans({ fileStorage, db }: Services): Promise<void> {
  await fileStorage.removeOrphans(async (storageKeys) => {
    const query = db.selectFrom('file').select('storageKey')
    const rows = await query.where('storageKey', 'in', [...storageKeys]).execute()
    return rows.map(({ storageKey }) => storageKey)
  })
}
