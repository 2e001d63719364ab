import { type Tenant, tenantInput } from '../domain/tenant.ts'
import { entityRoutes } from './entity-routes.ts'

/** A tenant sees itself, and may change its name. Others are made where the installation is looked after. */
export const tenantRoutes = entityRoutes({
  entityName: 'Tenant',
  input: tenantInput,
  isPublic: false,
  idOf: (tenant: Tenant) => tenant.tenantId,
  list: async ({ tenantManager }) =>
    [await tenantManager.getTenant()].filter((tenant) => tenant !== undefined),
  get: async ({ tenantManager }, id) =>
    id === tenantManager.tenantId ? tenantManager.getTenant() : undefined,
  update: ({ tenantRepository, tenantManager }, id, input) =>
    tenantRepository.updateTenant(tenantManager.tenantId, id, input),
})
