import type { Clock, IServiceScopeFactory, Logger } from '@x/events-core'
import { createEventEngine, type EventEngine } from '@x/events-engine'
import { createSseFeed, type SseFeed } from '@x/events-engine/sse'
import { createGuessLimit, type GuessLimit } from '@x/portal'
import type { ExpressPortal } from '@x/portal/express'
import { createWebhookSender, type WebhookSender } from '@x/sender'
import { type AwilixContainer, asClass, asFunction, asValue, createContainer } from 'awilix'
import type { Request, RequestHandler, Response } from 'express'
import type { Kysely } from 'kysely'
import { createHostCache, type HostCache } from '../cache/host-cache.ts'
import type { HostConfig } from '../config.ts'
import type { HostDatabase } from '../database/open-database.ts'
import type { HostTables } from '../database/tables.ts'
import { entities } from '../entities/entities.ts'
import { FileRepository } from '../entities/file.ts'
import { PageRepository } from '../entities/page.ts'
import type { Entity, EntityRow } from '../entity/define-entity.ts'
import { EntityRepository } from '../entity/entity-repository.ts'
import { TenantManager } from '../entity/tenant-manager.ts'
import { DownloadLog } from '../files/download-log.ts'
import type { FileStorage } from '../files/file-storage.ts'
import { createLoginLimits } from '../http/middleware.ts'
import { webhookPortal } from '../http/webhook-portal.ts'
import { SessionRepository } from '../people/sessions.ts'
import { TokenRepository } from '../people/tokens.ts'
import type { HostSecrets } from './secrets.ts'

/** Answers `GET /metrics`. */
export type ShowMetrics = (request: Request, response: Response) => void

/** Everything that can be asked of the container, by name. */
export interface Services {
  // One for the whole process:
  readonly config: HostConfig
  readonly logger: Logger
  readonly db: Kysely<HostTables>
  readonly engine: EventEngine<HostTables>
  /** Tells browsers what happens. */
  readonly syncStreams: SseFeed
  readonly sender: WebhookSender
  /** Where tenants look after their webhooks. */
  readonly portal: ExpressPortal<Request>
  /** Seals the sessions of the portal, on every node alike. */
  readonly portalSecret: string
  /** Is aborted when the host closes, for what would never end by itself. */
  readonly closing: AbortController
  /** Whether requests may be sent to the host. */
  readonly readiness: { isReady: boolean }
  /** Answers with what was measured; without it, nothing is. */
  readonly showMetrics: ShowMetrics | undefined
  readonly fileStorage: FileStorage
  readonly hostCache: HostCache
  readonly entities: readonly Entity[]
  /** Stands in front of all that tokens protect: the API, the portal and the metrics count together. */
  readonly guessLimit: GuessLimit
  readonly loginLimits: RequestHandler
  readonly tokenRepository: TokenRepository

  // One for each scope, which is a request or a call of a subscriber:
  readonly tenantManager: TenantManager
  readonly fileRepository: FileRepository
  readonly pageRepository: PageRepository
  readonly sessionRepository: SessionRepository
  readonly downloadLog: DownloadLog
  /** The rows of any entity. */
  readonly repositoryOf: <TRow extends EntityRow, TInput>(
    entity: Entity<TRow, TInput, unknown>,
  ) => EntityRepository<TRow, TInput>
}

/** What exists before the container does. */
export interface Foundations extends HostDatabase {
  readonly config: HostConfig
  readonly logger: Logger
  /** The machine's, where none is given. */
  readonly clock: Clock | undefined
  readonly fileStorage: FileStorage
  readonly secrets: HostSecrets
  readonly showMetrics: ShowMetrics | undefined
}

/** Tells the container how everything is made; nothing is made before it is asked for. */
export function createServices(foundations: Foundations): AwilixContainer<Services> {
  const { config, logger, clock, db, pool, fileStorage, secrets, showMetrics } = foundations
  const { encryptionKey, previousEncryptionKeys } = secrets
  const container = createContainer<Services>({ strict: true })

  const createEngine = () =>
    createEventEngine({
      db,
      logger,
      clock,
      services: scopesOf(container),
      ...(pool && { postgres: { pool } }),
    })
  const createSender = ({ engine }: Services) =>
    createWebhookSender({
      engine,
      encryptionKey,
      previousEncryptionKeys,
      network: { allow: config.allowNetworks },
    })
  const createStreams = ({ engine }: Services) =>
    createSseFeed({ engine, limits: { perAddress: config.maxStreamsPerAddress } })
  const createRepositoryOf =
    ({ engine, tenantManager, hostCache, entities: all }: Services): Services['repositoryOf'] =>
    (entity) =>
      new EntityRepository({ engine, tenantManager, hostCache, entities: all }, entity)

  return container.register({
    config: asValue(config),
    logger: asValue(logger),
    db: asValue(db),
    engine: asFunction(createEngine).singleton(),
    syncStreams: asFunction(createStreams).singleton(),
    sender: asFunction(createSender).singleton(),
    portal: asFunction(webhookPortal).singleton(),
    portalSecret: asValue(encryptionKey),
    closing: asValue(new AbortController()),
    readiness: asValue({ isReady: false }),
    showMetrics: asValue(showMetrics),
    fileStorage: asValue(fileStorage),
    hostCache: asFunction(createHostCache).singleton(),
    entities: asValue(entities),
    guessLimit: asFunction(() => createGuessLimit()).singleton(),
    loginLimits: asValue(createLoginLimits()),
    tokenRepository: asClass(TokenRepository).singleton(),

    tenantManager: asClass(TenantManager).scoped(),
    fileRepository: asClass(FileRepository).scoped(),
    pageRepository: asClass(PageRepository).scoped(),
    sessionRepository: asClass(SessionRepository).scoped(),
    downloadLog: asClass(DownloadLog).scoped(),
    repositoryOf: asFunction(createRepositoryOf).scoped(),
  })
}

/** The scopes of the container, as subscribers and the engine know them. */
export function scopesOf(container: AwilixContainer<Services>): IServiceScopeFactory {
  return {
    createScope() {
      const scope = container.createScope()
      return {
        resolve: (name) => scope.resolve(name),
        [Symbol.asyncDispose]: () => scope.dispose(),
      }
    },
  }
}
