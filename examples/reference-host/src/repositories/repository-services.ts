import type { EventEngine } from '@x/events-engine'
import type { HostCache } from '../cache/host-cache.ts'
import type { HostTables } from '../database/tables.ts'
import type { TenantManager } from '../domain/tenant-manager.ts'

/** What a repository of a tenant's entities is made of; the container hands it over. */
export interface RepositoryServices {
  readonly engine: EventEngine<HostTables>
  readonly tenantManager: TenantManager
  readonly hostCache: HostCache
}
