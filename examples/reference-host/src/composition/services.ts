import type { Logger } from '@x/events-core'
import type { EventEngine } from '@x/events-engine'
import type { SseFeed } from '@x/events-engine/sse'
import type { GuessLimit } from '@x/portal'
import type { WebhookSender } from '@x/sender'
import type { Kysely } from 'kysely'
import type { HostCache } from '../cache/host-cache.ts'
import type { HostTables } from '../database/tables.ts'
import type { TenantManager } from '../domain/tenant-manager.ts'
import type { EntityKind } from '../entities/entity-kind.ts'
import type { AliasRepository } from '../repositories/alias-repository.ts'
import type { DownloadLog } from '../repositories/download-log.ts'
import type { EntityRepository, OwnedRow } from '../repositories/entity-repository.ts'
import type { FileRepository } from '../repositories/file-repository.ts'
import type { FolderRepository } from '../repositories/folder-repository.ts'
import type { PageRepository } from '../repositories/page-repository.ts'
import type { SessionRepository } from '../repositories/session-repository.ts'
import type { SiteRepository } from '../repositories/site-repository.ts'
import type { TenantRepository } from '../repositories/tenant-repository.ts'
import type { TokenRepository } from '../repositories/token-repository.ts'
import type { UserRepository } from '../repositories/user-repository.ts'
import type { FileStorage } from '../storage/file-storage.ts'

/** Everything that can be asked of the container, by name. */
export interface Services {
  // One for the whole process:
  readonly logger: Logger
  readonly db: Kysely<HostTables>
  readonly engine: EventEngine<HostTables>
  /** Tells browsers what happens. */
  readonly syncStreams: SseFeed
  readonly sender: WebhookSender
  /** Seals the sessions of the portal, on every node alike. */
  readonly portalSecret: string
  /** Is aborted when the host closes, for what would never end by itself. */
  readonly closing: AbortController
  readonly fileStorage: FileStorage
  readonly hostCache: HostCache
  /** Stands in front of all that tokens protect: the API, the portal and the metrics count together. */
  readonly guessLimit: GuessLimit
  readonly tenantRepository: TenantRepository
  readonly aliasRepository: AliasRepository
  readonly tokenRepository: TokenRepository

  // One for each scope, which is a request or a call of a subscriber:
  readonly tenantManager: TenantManager
  readonly siteRepository: SiteRepository
  readonly folderRepository: FolderRepository
  readonly fileRepository: FileRepository
  readonly pageRepository: PageRepository
  readonly userRepository: UserRepository
  readonly sessionRepository: SessionRepository
  /** For the entities that need no repository of their own. */
  readonly entityRepository: <TEntity extends OwnedRow, TInput>(
    kind: EntityKind<TEntity, TInput>,
  ) => EntityRepository<TEntity, TInput>
  readonly downloadLog: DownloadLog
}
