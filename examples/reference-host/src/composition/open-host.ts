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
import type { AwilixContainer } from 'awilix'
import type { Express, RequestHandler } from 'express'
import type { HostConfig } from '../config.ts'
import { captureEntities } from '../database/capture-entities.ts'
import { migrateHostTables } from '../database/migrate.ts'
import { openDatabase } from '../database/open-database.ts'
import { assertSameInstallation } from '../database/same-installation.ts'
import { openFileStorage } from '../storage/file-storage.ts'
import { CacheInvalidationEventSubscriber } from '../subscribers/cache-invalidation-event-subscriber.ts'
import { FileDownloadEventSubscriber } from '../subscribers/file-download-event-subscriber.ts'
import { defineEventTypes } from '../webhooks/event-types.ts'
import { createApp } from './create-app.ts'
import { createServices } from './create-services.ts'
import { readSecrets } from './host-secrets.ts'
import { closeServer, listen, timeoutsOf } from './listen.ts'
import type { Services } from './services.ts'
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
  readonly showMetrics?: RequestHandler
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
  options: OpenHostOptions = {},
): Promise<Host> {
  const opened = new AsyncDisposableStack()
  try {
    return await open(config, logger, opened, options)
  } catch (error) {
    await opened.disposeAsync()
    throw error
  }
}

async function open(
  config: HostConfig,
  logger: Logger,
  opened: AsyncDisposableStack,
  { showMetrics, clock }: OpenHostOptions,
): Promise<Host> {
  const secrets = await readSecrets(config)
  const { adminToken } = secrets
  const { db, pool } = await openDatabase(config)
  opened.defer(() => db.destroy())
  const fileStorage = await openFileStorage(join(config.dataDir, 'files'))
  const { container, serviceScopeFactory } = createServices({
    logger,
    clock,
    db,
    pool,
    fileStorage,
    secrets,
    allowNetworks: config.allowNetworks,
    maxStreamsPerAddress: config.maxStreamsPerAddress,
  })
  const { engine, sender, syncStreams, closing, tokenRepository, hostCache } = container.cradle

  // Before anything is raised: endpoints and subscribers hear of it from the first event on.
  await migrateHostTables(db)
  await assertSameInstallation(db, secrets)
  await engine.migrate()
  await captureEntities(engine)
  await sender.migrate()
  defineEventTypes(sender)
  await engine.subscribe(new FileDownloadEventSubscriber(serviceScopeFactory), {
    name: 'file-download',
    mode: 'durable',
    filter: 'File.Download',
  })
  await engine.subscribe(new CacheInvalidationEventSubscriber(hostCache), {
    name: 'cache-invalidation',
    mode: 'broadcast',
    filter: ['Site.*', 'Page.*', 'User.*'],
  })
  await removeOrphans(container)

  opened.use(engine)
  await engine.start()
  opened.use(sender)
  await sender.start()

  const tenantId = await ensureMasterTenant(engine, config.port)
  await tokenRepository.setToken({ tenantId, name: ADMIN }, adminToken)
  const isAdminTokenGood = (await tokenRepository.findHolder(adminToken)) !== undefined

  let isOpen = false
  const health = { db, isOpen: () => isOpen }
  const app = createApp({ container, logger, config, health, showMetrics })
  const server = createServer(timeoutsOf(config.requestTimeoutMs), app)
  const url = await listen(server, config.port, config.host)
  opened.defer(() => closeServer(server))
  // First of all: streams never end by themselves, and their clients are to reconnect elsewhere.
  opened.use(syncStreams)
  opened.defer(() => closing.abort())
  // Clients of every tenant load their application again: it may be another version now.
  const everywhere = { tenantId: ALL_TENANTS, siteId: ALL_SITES }
  await engine.syncManager.addSyncEvent(everywhere, EntityNames.Host, -1, SyncEventActions.Reload)
  isOpen = true

  async function close(): Promise<void> {
    isOpen = false
    await setTimeout(config.shutdownDelayMs)
    await opened.disposeAsync()
  }
  return {
    url,
    adminToken,
    isAdminTokenGood,
    app,
    services: container.cradle,
    serviceScopeFactory,
    close,
    [Symbol.asyncDispose]: close,
  }
}

async function removeOrphans({ cradle }: AwilixContainer<Services>): Promise<void> {
  await cradle.fileStorage.removeOrphans(async (storageKeys) => {
    const query = cradle.db.selectFrom('file').select('storageKey')
    const rows = await query.where('storageKey', 'in', [...storageKeys]).execute()
    return rows.map(({ storageKey }) => storageKey)
  })
}
