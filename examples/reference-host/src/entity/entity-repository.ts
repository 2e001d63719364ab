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
  /** All there are: rows of some belong to rows of others. */
  readonly entities: readonly Entity[]
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
    return this.#write(async (writing) =>
      this.addRow(writing, { ...(await this.#columns(input, writing, undefined)), ...stored }),
    )
  }

  async update(id: number, input: TInput): Promise<TRow> {
    return this.#write(async (writing) => {
      const before = await this.#find(writing.trx, id)
      if (!before) throw this.#notFound(id)
      return this.updateRow(writing, before, await this.#columns(input, writing, before))
    })
  }

  async remove(id: number): Promise<TRow> {
    return this.#write(async (writing) => {
      const found = await this.#find(writing.trx, id)
      if (!found) throw this.#notFound(id)
      await this.removeRow(writing, found)
      return found
    })
  }

  /** Adds a row within a transaction, as it is to be stored, with all that is raised. */
  async addRow(writing: Writing, values: Readonly<Record<string, unknown>>): Promise<TRow> {
    const { tenantId } = writing
    const query = anyTable(writing.trx)
      .insertInto(this.entity.table)
      .values({ ...values, tenantId })
    const added = asRow<TRow>(await query.returning(this.#shown()).executeTakeFirstOrThrow())
    await this.entity.added?.(added, writing)
    await this.#raise(added, { ...writing, action: 'Create', before: undefined })
    return added
  }

  /** Changes a row within a transaction. What stays as it is raises nothing: nor do clients have to fetch it again. */
  async updateRow(writing: Writing, before: TRow, values: Readonly<Record<string, unknown>>): Promise<TRow> {
    const known = asRow<Record<string, unknown>>(before)
    if (Object.entries(values).every(([column, value]) => value === known[column])) return before
    const updating = anyTable(writing.trx).updateTable(this.entity.table).set(values)
    const key: string = this.entity.key
    const query = updating.where(key, '=', before[this.entity.key] as number).returning(this.#shown())
    const updated = asRow<TRow>(await query.executeTakeFirstOrThrow())
    await this.#raise(updated, { ...writing, action: 'Update', before })
    return updated
  }

  /** Deletes a row within a transaction. */
  async removeRow(writing: Writing, row: TRow): Promise<void> {
    await this.entity.removing?.(row, writing)
    const key: string = this.entity.key
    const id = row[this.entity.key] as number
    await this.#removeBelongings(writing, this.entity as unknown as Entity, id)
    const query = anyTable(writing.trx).deleteFrom(this.entity.table).where(key, '=', id).returning(key)
    if (!(await query.executeTakeFirst())) throw this.#notFound(id)
    await this.#raise(row, { ...writing, action: 'Delete', before: undefined })
  }

  /** Removes what the database does not delete along: the settings of a row, and of the rows that are part of it. */
  async #removeBelongings(writing: Writing, entity: Entity, id: number): Promise<void> {
    const rowsOf = (other: Entity) => anyTable(writing.trx).selectFrom(other.table).selectAll()
    for (const other of this.services.entities) {
      const { belongsTo, fields, key } = other
      if (belongsTo) {
        const belonging = rowsOf(other).where(belongsTo.entityName, '=', entity.name)
        const repository = new EntityRepository(this.services, other)
        for (const row of await belonging.where(belongsTo.entityId, '=', id).execute()) {
          await repository.removeRow(writing, asRow<EntityRow>(row))
        }
      }
      for (const [field, { isPartOf, refersTo }] of Object.entries(fields)) {
        if (!isPartOf || refersTo !== entity.name) continue
        for (const part of await rowsOf(other).where(field, '=', id).execute()) {
          await this.#removeBelongings(writing, other, part[key as string] as number)
        }
      }
    }
  }

  async #write(work: (writing: Writing) => Promise<TRow>): Promise<TRow> {
    const { engine, hostCache, tenantManager } = this.services
    const { tenantId, siteId } = tenantManager.getAlias()
    const { entity } = this
    const write = () => engine.transaction(({ trx, raise }) => work({ trx, raise, tenantId, siteId }))
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
