import { EntityNames } from '@x/events-core'
import type { Kysely } from 'kysely'
import { isPostgres } from '../database/dialect.ts'
import { EntityNotFoundError } from '../domain/errors.ts'
import type { Writing } from './entity-repository.ts'

type AnyTables = Record<string, Record<string, unknown>>

const keys = {
  Site: ['site', 'siteId'],
  Page: ['page', 'pageId'],
  Module: ['module', 'moduleId'],
  User: ['user', 'userId'],
  Role: ['role', 'roleId'],
  Tenant: ['tenant', 'tenantId'],
} as const

/** What other entities may refer to. */
export type ReferredEntity = keyof typeof keys

/**
 * Finds what an entity refers to; it has to be the tenant's own, which the database would not mind.
 *
 * @returns the site that it belongs to: of users and tenants, which belong to none, the one that
 *   somebody came in by.
 * @throws EntityNotFoundError
 */
export async function requireRow(
  { trx, tenantId, siteId }: Writing,
  entityName: ReferredEntity,
  id: number,
): Promise<{ readonly siteId: number }> {
  const [table, key] = keys[entityName]
  const row = await (trx as unknown as Kysely<AnyTables>)
    .selectFrom(table)
    .selectAll()
    .where(key, '=', id)
    .where('tenantId', '=', tenantId)
    // SQLite has one writer; PostgreSQL keeps the row from being deleted meanwhile.
    .$if(isPostgres(trx), (query) => query.forKeyShare())
    .executeTakeFirst()
  if (!row) throw new EntityNotFoundError(EntityNames[entityName], id)
  return { siteId: typeof row['siteId'] === 'number' ? row['siteId'] : siteId }
}
