import type { Clock, IServiceScopeFactory, Logger } from '@x/events-core'
import { createEventEngine } from '@x/events-engine'
import { createSseFeed } from '@x/events-engine/sse'
import { createGuessLimit } from '@x/portal'
import { createWebhookSender } from '@x/sender'
import { type AwilixContainer, asClass, asFunction, asValue, createContainer } from 'awilix'
import type { Kysely } from 'kysely'
import type { Pool } from 'pg'
import { createHostCache } from '../cache/host-cache.ts'
import type { HostTables } from '../database/tables.ts'
import { TenantManager } from '../domain/tenant-manager.ts'
import { AliasRepository } from '../repositories/alias-repository.ts'
import { DownloadLog } from '../repositories/download-log.ts'
import { EntityRepository } from '../repositories/entity-repository.ts'
import { FileRepository } from '../repositories/file-repository.ts'
import { FolderRepository } from '../repositories/folder-repository.ts'
import { PageRepository } from '../repositories/page-repository.ts'
import { SessionRepository } from '../repositories/session-repository.ts'
import { SiteRepository } from '../repositories/site-repository.ts'
import { TenantRepository } from '../repositories/tenant-repository.ts'
import { TokenRepository } from '../repositories/token-repository.ts'
import { UserRepository } from '../repositories/user-repository.ts'
import type { FileStorage } from '../storage/file-storage.ts'
import type { HostSecrets } from './host-secrets.ts'
import { createServiceScopeFactory } from './service-scope-factory.ts'
import type { Services } from './services.ts'

/** What exists before the container does. */
export interface Foundations {
  readonly logger: Logger
  /** The machine's, where none is given. */
  readonly clock: Clock | undefined
  readonly db: Kysely<HostTables>
  /** PostgreSQL only. */
  readonly pool: Pool | undefined
  readonly fileStorage: FileStorage
  readonly secrets: Pick<HostSecrets, 'encryptionKey' | 'previousEncryptionKeys'>
  readonly allowNetworks: readonly string[]
  readonly maxStreamsPerAddress: number
}

/** The container, and the factory of scopes that is made of it. */
export interface HostServices {
  readonly container: AwilixContainer<Services>
  readonly serviceScopeFactory: IServiceScopeFactory
}

/** Tells the container how everything is made; nothing is made before it is asked for. */
export function createServices(foundations: Foundations): HostServices {
  const { logger, clock, db, pool, fileStorage, secrets, allowNetworks, maxStreamsPerAddress } = foundations
  const { encryptionKey, previousEncryptionKeys } = secrets
  const container = createContainer<Services>({ strict: true })
  const serviceScopeFactory = createServiceScopeFactory(container)

  container.register({
    logger: asValue(logger),
    db: asValue(db),
    fileStorage: asValue(fileStorage),
    engine: asFunction(() =>
      createEventEngine({
        db,
        logger,
        clock,
        services: serviceScopeFactory,
        ...(pool && { postgres: { pool } }),
      }),
    ).singleton(),
    syncStreams: asFunction(({ engine }: Services) =>
      createSseFeed({ engine, limits: { perAddress: maxStreamsPerAddress } }),
    ).singleton(),
    sender: asFunction(({ engine }: Services) =>
      createWebhookSender({
        engine,
        encryptionKey,
        previousEncryptionKeys,
        network: { allow: allowNetworks },
      }),
    ).singleton(),
    portalSecret: asValue(encryptionKey),
    closing: asValue(new AbortController()),
    hostCache: asFunction(createHostCache).singleton(),
    guessLimit: asFunction(() => createGuessLimit()).singleton(),
    tenantRepository: asClass(TenantRepository).singleton(),
    aliasRepository: asClass(AliasRepository).singleton(),
    tokenRepository: asClass(TokenRepository).singleton(),

    tenantManager: asClass(TenantManager).scoped(),
    siteRepository: asClass(SiteRepository).scoped(),
    folderRepository: asClass(FolderRepository).scoped(),
    fileRepository: asClass(FileRepository).scoped(),
    pageRepository: asClass(PageRepository).scoped(),
    userRepository: asClass(UserRepository).scoped(),
    sessionRepository: asClass(SessionRepository).scoped(),
    entityRepository: asFunction(
      ({ engine, tenantManager, hostCache }: Services): Services['entityRepository'] =>
        (kind) =>
          new EntityRepository({ engine, tenantManager, hostCache }, kind),
    ).scoped(),
    downloadLog: asClass(DownloadLog).scoped(),
  })
  return { container, serviceScopeFactory }
}
