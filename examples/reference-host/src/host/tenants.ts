import type { EventEngine } from '@x/events-engine'
import { type Kysely, sql, type Transaction } from 'kysely'
import { isPostgres } from '../database/open-database.ts'
import type { HostTables } from '../database/tables.ts'
import { DEFAULT_ALIAS } from '../entities/alias.ts'
import { SITE_DEFAULTS } from '../entities/site.ts'
import { generateToken } from '../people/secret-hash.ts'
import type { TokenRepository } from '../people/tokens.ts'

/** What a tenant starts with. */
export interface NewTenant {
  readonly name: string
  /** Host names, with their ports, under which its first site is reached; `*` for any other. */
  readonly aliases: readonly string[]
}

/** A tenant that was just created. */
export interface CreatedTenant {
  readonly tenantId: number
  readonly siteId: number
  /** The site's root folder. */
  readonly folderId: number
}

export const ADMIN = 'admin'

/** Creates a tenant with one site and its root folder, in one transaction with their events. */
export async function createTenant(
  engine: EventEngine<HostTables>,
  tenant: NewTenant,
): Promise<CreatedTenant> {
  return engine.transaction(({ trx }) => insertTenant(trx, tenant))
}

async function insertTenant(
  trx: Transaction<HostTables>,
  { name, aliases }: NewTenant,
): Promise<CreatedTenant> {
  const { tenantId } = await trx
    .insertInto('tenant')
    .values({ name })
    .returningAll()
    .executeTakeFirstOrThrow()
  const { siteId } = await trx
    .insertInto('site')
    .values({ tenantId, name, ...SITE_DEFAULTS })
    .returningAll()
    .executeTakeFirstOrThrow()
  const root = { tenantId, siteId, parentId: null, name: 'Files' }
  const { folderId } = await trx.insertInto('folder').values(root).returningAll().executeTakeFirstOrThrow()
  for (const alias of aliases) {
    await trx.insertInto('alias').values({ name: alias.toLowerCase(), tenantId, siteId }).execute()
  }
  return { tenantId, siteId, folderId }
}

/** Gives a tenant's administrator a new token; the old one is worth nothing from then on. */
export async function issueAdminToken(tokens: TokenRepository, tenantId: number): Promise<string> {
  const token = generateToken()
  await tokens.setToken({ tenantId, name: ADMIN }, token)
  return token
}

/**
 * Creates the first tenant where there is none yet, reached under every name that no other takes.
 *
 * @returns its id.
 */
export async function ensureMasterTenant(engine: EventEngine<HostTables>, port: number): Promise<number> {
  const aliases = port === 0 ? [DEFAULT_ALIAS] : [`localhost:${port}`, `127.0.0.1:${port}`, DEFAULT_ALIAS]
  return engine.transaction(async ({ trx }) => {
    // Nodes that start at once must not make one each. On SQLite, there is one writer at a time anyway.
    if (isPostgres(trx)) await sql`lock table tenant in share row exclusive mode`.execute(trx)
    const first = await trx.selectFrom('tenant').select('tenantId').orderBy('tenantId').executeTakeFirst()
    return (first ?? (await insertTenant(trx, { name: 'Master', aliases }))).tenantId
  })
}

/** Whether it is the tenant that the installation began with, whose administrators look after the host. */
export async function isFirstTenant(db: Kysely<HostTables>, tenantId: number): Promise<boolean> {
  const first = await db.selectFrom('tenant').select('tenantId').orderBy('tenantId').executeTakeFirst()
  return first?.tenantId === tenantId
}
