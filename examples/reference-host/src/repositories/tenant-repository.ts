import { EntityNames } from '@x/events-core'
import type { EventEngine } from '@x/events-engine'
import type { HostTables } from '../database/tables.ts'
import { EntityNotFoundError } from '../domain/errors.ts'
import type { Tenant, TenantInput } from '../domain/tenant.ts'

/** Tenants are the installation's, so that this repository is bound to none of them. */
export class TenantRepository {
  readonly #engine: EventEngine<HostTables>

  constructor({ engine }: { engine: EventEngine<HostTables> }) {
    this.#engine = engine
  }

  async getTenant(tenantId: number): Promise<Tenant | undefined> {
    const tenants = this.#engine.db.selectFrom('tenant').selectAll()
    return tenants.where('tenantId', '=', tenantId).executeTakeFirst()
  }

  /** @param ownId - who asks: a tenant changes itself alone. */
  async updateTenant(ownId: number, tenantId: number, { name }: TenantInput): Promise<Tenant> {
    return this.#engine.transaction(async ({ trx }) => {
      const tenant = await trx
        .updateTable('tenant')
        .set({ name })
        .where('tenantId', '=', tenantId)
        .where('tenantId', '=', ownId)
        .returningAll()
        .executeTakeFirst()
      if (!tenant) throw new EntityNotFoundError(EntityNames.Tenant, tenantId)
      return tenant
    })
  }

  /** Whether it is the tenant that the installation began with, whose administrators look after the host. */
  async isFirst(tenantId: number): Promise<boolean> {
    const first = await this.#engine.db
      .selectFrom('tenant')
      .select('tenantId')
      .orderBy('tenantId')
      .executeTakeFirst()
    return first?.tenantId === tenantId
  }
}
