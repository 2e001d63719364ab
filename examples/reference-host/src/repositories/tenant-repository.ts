import type { Kysely } from 'kysely'
import type { HostTables } from '../database/tables.ts'
import type { Tenant } from '../domain/tenant.ts'

/** Tenants are the installation's, so that this repository is bound to none of them. */
export class TenantRepository {
  readonly #db: Kysely<HostTables>

  constructor({ db }: { db: Kysely<HostTables> }) {
    this.#db = db
  }

  async getTenant(tenantId: number): Promise<Tenant | undefined> {
    return this.#db.selectFrom('tenant').selectAll().where('tenantId', '=', tenantId).executeTakeFirst()
  }
}
