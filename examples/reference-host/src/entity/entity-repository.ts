import { type EntityName, EntityNames, type JsonValue } from '@x/events-core'
import type { EventEngine } from '@x/events-engine'
import type { Kysely } from 'kysely'
import type { HostCache } from '../cache/host-cache.ts'
import { isPostgres } from '../database/open-database.ts'
import type { HostTables } from '../database/tables.ts'
import type { Change, Entities, Entity, EntityRow, Writing } from './define-entity.ts'
import { EntityConflictError, EntityNotFoundError } from './errors.ts'
import type { TenantManager } from './tenant-manager.ts'

/** What a repository is made of; the container hands it over. */
export interface RepositoryServices {
  readonly engine: EventEngine<HostTables>
  readonly tenantManager: TenantManager
  readonly hostCache: HostCache
}

// The tables differ, and so do the types of their columns; the entity says which belong together.
type AnyTables = Record<string, Record<string, unknown>>
const anyTable = <DB>(db: Kysely<DB>): Kysely<AnyTables> => db as unknown as Kysely<AnyTables>
const asRow = <TRow>(row: unknown): TRow => row as TRow

/** The rows of one entity that belong to the tenant of its scope. A change and its events are one transaction. */
export class EntityRepository<TRow extends EntityRow, TInput> {
  protected readonly services: RepositoryServices
  protected readonly entity: Entity<TRow, TInput, unknown>

  constructor(services: RepositoryServices, entity: Entity<TRow, TInput, unknown>) {
    this.services = services
    this.entity = entity
  }

  /** The rows in the order in which they were added; those of one site, where one is given. */
  async list(site: { readonly siteId?: number } = {}): Promise<TRow[]> {
    const rows = this.#own(this.services.engine.db).orderBy(this.entity.key)
    const { siteId } = site
    return asRow<TRow[]>(await (siteId === undefined ? rows : rows.where('siteId', '=', siteId)).execute())
  }

  async get(id: number): Promise<TRow | undefined> {
    const { hostCache, tenantManager, engine } = this.services
    const load = () => this.#find(engine.db, id)
    const [cache, key = ''] = this.entity.cached?.(hostCache, tenantManager.tenantId, id) ?? []
    return cache ? asRow<Promise<TRow | undefined>>(cache.read(key, load)) : load()
  }

  /** @throws EntityNotFoundError */
  async require(id: number): Promise<TRow> {
    const row = await this.get(id)
    if (!row) throw this.#notFound(id)
    return row
  }

  /** @param stored - columns that were not sent: those that the host sets, and hidden ones. */
  async add(input: TInput, stored: Readonly<Record<string, unknown>> = {}): Promise<TRow> {
    return this.#write(async (writing, changed) => {
      const { tenantId } = writing
      const values = { ...(await this.#columns(input, writing, undefined)), ...stored, tenantId }
      const query = anyTable(writing.trx).insertInto(this.entity.table).values(values)
      const added = asRow<TRow>(await query.returning(this.#shown()).executeTakeFirstOrThrow())
      await this.entity.added?.(added, writing)
      await changed('Create', added)
      return added
    })
  }

  async update(id: number, input: TInput): Promise<TRow> {
    return this.#write(async (writing, changed) => {
      const before = await this.#find(writing.trx, id)
      if (!before) throw this.#notFound(id)
      const values = await this.#columns(input, writing, before)
      // No change, no event: nor is there anything that clients had to fetch again.
      const known = { ...before } as Record<string, unknown>
      if (Object.entries(values).every(([column, value]) => value === known[column])) return before
      const updating = anyTable(writing.trx).updateTable(this.entity.table).set(values)
      const query = updating.where(this.entity.key as string, '=', id).returning(this.#shown())
      const updated = asRow<TRow>(await query.executeTakeFirstOrThrow())
      await changed('Update', updated, before)
      return updated
    })
  }

  async remove(id: number): Promise<TRow> {
    return this.#write(async (writing, changed) => {
      const found = await this.#find(writing.trx, id)
      if (!found) throw this.#notFound(id)
      await this.entity.removing?.(found, writing)
      const deleting = anyTable(writing.trx).deleteFrom(this.entity.table)
      const query = deleting.where(this.entity.key as string, '=', id).returning(this.#shown())
      const deleted = asRow<TRow | undefined>(await query.executeTakeFirst())
      if (!deleted) throw this.#notFound(id)
      await changed('Delete', deleted)
      return deleted
    })
  }

  async #write(
    work: (
      writing: Writing,
      changed: (action: Change<TRow>['action'], row: TRow, before?: TRow) => Promise<void>,
    ) => Promise<TRow>,
  ): Promise<TRow> {
    const { engine, hostCache, tenantManager } = this.services
    const { tenantId, siteId } = tenantManager.getAlias()
    const { entity } = this
    const write = () =>
      engine.transaction(({ trx, raise }) => {
        const writing = { trx, raise, tenantId, siteId }
        return work(writing, (action, row, before) => this.#raise(row, { ...writing, action, before }))
      })
    const row = await explainConflicts(entity, () =>
      // Rows of all sites do not know by which one the request came in; their events do.
      entity.scope === 'tenant' ? engine.withContext({ tenantId, siteId }, write) : write(),
    )
    // Other nodes hear of it by the event; a read through this one finds the change at once.
    const [cache, key = ''] = entity.cached?.(hostCache, tenantId, row[entity.key] as number) ?? []
    cache?.remove(key)
    entity.stale?.(hostCache, row)
    return row
  }

  async #raise(row: TRow, change: Change<TRow>): Promise<void> {
    const { eventsOf, also, key, data } = this.entity
    const { tenantId, raise, action, before } = change
    const site = { tenantId, siteId: row.siteId ?? change.siteId }
    if (eventsOf) {
      const values = asRow<Readonly<Record<string, JsonValue>>>(row)
      const known = asRow<Readonly<Record<string, JsonValue>> | undefined>(before)
      const changed = known && Object.keys(values).filter((column) => values[column] !== known[column])
      const visible = Object.fromEntries(data.map((column) => [column, values[column] ?? null]))
      await raise(site, eventsOf.nameOf(row) as EntityName, row[key] as number, action, {
        data: { ...visible, ...(changed && { $changed: changed }) } as never,
      })
    }
    for (const { entityName, entityId, action: what, siteId } of (await also?.(row, change)) ?? []) {
      await raise(
        { ...site, ...(siteId !== undefined && { siteId }) },
        EntityNames[entityName],
        entityId,
        what,
      )
    }
  }

  async #columns(
    input: TInput,
    writing: Writing,
    before: TRow | undefined,
  ): Promise<Record<string, unknown>> {
    const { fields, scope, site } = this.entity
    const { siteId: chosen, ...sent } = input as Record<string, unknown> & { readonly siteId?: number }
    const own: Record<string, unknown> = { ...(await this.entity.columns?.(input, writing, before)) }
    const values = { ...sent, ...own }
    let siteId = own['siteId']
    for (const [field, { refersTo }] of Object.entries(fields)) {
      const id = values[field]
      if (refersTo === undefined || typeof id !== 'number') continue
      const found = await requireRow(writing, refersTo, id)
      if (scope !== 'site' || found.siteId === undefined) continue
      if (siteId !== undefined && siteId !== found.siteId) {
        throw new EntityConflictError(`What ${field} refers to is of another site.`)
      }
      siteId = found.siteId
    }
    if (scope !== 'site') return values
    if (siteId === undefined) {
      const kept = site === 'movable' ? (chosen ?? before?.siteId) : (before?.siteId ?? chosen)
      siteId = (await requireRow(writing, 'Site', kept ?? writing.siteId)).siteId
    }
    return { ...values, siteId }
  }

  async #find(db: Kysely<HostTables>, id: number): Promise<TRow | undefined> {
    const row = await this.#own(db)
      .where(this.entity.key as string, '=', id)
      .executeTakeFirst()
    return asRow<TRow | undefined>(row)
  }

  #own(db: Kysely<HostTables>) {
    const { tenantId } = this.services.tenantManager
    return anyTable(db).selectFrom(this.entity.table).select(this.#shown()).where('tenantId', '=', tenantId)
  }

  #shown(): string[] {
    return Object.keys(this.entity.schema.shape)
  }

  #notFound(id: number): EntityNotFoundError {
    return new EntityNotFoundError(this.entity.name, id)
  }
}

/**
 * Finds a row that another one is to refer to. It has to be the tenant's own, which the database would not mind.
 * It is looked for within the transaction, and in no cache, so that it cannot be deleted in between.
 *
 * @returns with the site that it belongs to, if it belongs to one.
 * @throws EntityNotFoundError
 */
export async function requireRow(
  { trx, tenantId }: Writing,
  entityName: keyof Entities,
  id: number,
): Promise<{ readonly siteId: number | undefined }> {
  const table = entityName.charAt(0).toLowerCase() + entityName.slice(1)
  const row = await anyTable(trx)
    .selectFrom(table)
    .selectAll()
    .where(`${table}Id`, '=', id)
    .where('tenantId', '=', tenantId)
    // SQLite has one writer; PostgreSQL keeps the row from being deleted meanwhile.
    .$if(isPostgres(trx), (query) => query.forKeyShare())
    .executeTakeFirst()
  if (!row) throw new EntityNotFoundError(entityName, id)
  return { siteId: row['siteId'] as number | undefined }
}

const UNIQUE = ['SQLITE_CONSTRAINT_UNIQUE', 'SQLITE_CONSTRAINT_PRIMARYKEY', '23505']
const FOREIGN_KEY = ['SQLITE_CONSTRAINT_FOREIGNKEY', '23503']

/** Says what it means to the caller that the database refused a change. */
async function explainConflicts<TResult>(
  { taken, used }: Pick<Entity, 'taken' | 'used'>,
  work: () => Promise<TResult>,
): Promise<TResult> {
  try {
    return await work()
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : ''
    if (taken && UNIQUE.includes(code)) throw new EntityConflictError(taken, { cause })
    if (used && FOREIGN_KEY.includes(code)) throw new EntityConflictError(used, { cause })
    throw cause
  }
}
