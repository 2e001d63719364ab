import { EntityNames, type SyncEventAction, type TenantSite } from '@x/events-core'
import type { Kysely, Transaction } from 'kysely'
import { explainConflicts } from '../database/constraint-errors.ts'
import type { HostTables } from '../database/tables.ts'
import { EntityNotFoundError } from '../domain/errors.ts'
import type { TenantManager } from '../domain/tenant-manager.ts'
import type { RepositoryServices } from './repository-services.ts'

/** A row that belongs to a tenant. */
export interface OwnedRow {
  readonly tenantId: number
  readonly siteId: number
}

/** On whose behalf something is written, and in which transaction. */
export interface Writing {
  readonly trx: Transaction<HostTables>
  readonly tenantId: number
  /** The site that somebody came in by. */
  readonly siteId: number
}

/** An event beside the one of the row, which the database raises itself. */
export type AlsoRaised = readonly [entityName: keyof typeof EntityNames, entityId: number, SyncEventAction]

/** What is particular about the rows of one table. */
export interface EntityTable<TEntity extends OwnedRow, TInput> {
  readonly table: keyof HostTables
  readonly key: keyof TEntity & string
  readonly entityName: keyof typeof EntityNames
  /** What to say when a value that has to be unique is taken. */
  readonly taken: string
  /** What to say when something refers to what is to be deleted; without it, nothing does. */
  readonly used?: string
  /**
   * The columns that an input stands for.
   *
   * @param before - the row that is changed; undefined for a new one.
   * @throws EntityNotFoundError for what refers to nothing, or to another tenant's.
   */
  values(input: TInput, writing: Writing, before: TEntity | undefined): Promise<Partial<TEntity>>
  /** What clients have to load anew. */
  also?(entity: TEntity): AlsoRaised
}

// The tables differ, and so do the types of their columns; `EntityTable` says which belong together.
type AnyTables = Record<string, Record<string, unknown>>
const anyTable = <DB>(db: Kysely<DB>): Kysely<AnyTables> => db as unknown as Kysely<AnyTables>

/** The rows of one table that belong to one tenant, for entities that need nothing of their own. */
export class EntityRepository<TEntity extends OwnedRow, TInput> {
  readonly #engine: RepositoryServices['engine']
  readonly #tenantManager: TenantManager
  readonly #table: EntityTable<TEntity, TInput>

  constructor({ engine, tenantManager }: RepositoryServices, table: EntityTable<TEntity, TInput>) {
    this.#engine = engine
    this.#tenantManager = tenantManager
    this.#table = table
  }

  async list(): Promise<TEntity[]> {
    return (await this.#own(this.#engine.db).orderBy(this.#table.key).execute()) as unknown as TEntity[]
  }

  async get(id: number): Promise<TEntity | undefined> {
    return this.#find(this.#engine.db, id)
  }

  async add(input: TInput): Promise<TEntity> {
    return this.#write(async (writing, raise) => {
      const { tenantId } = writing
      const values = { ...(await this.#table.values(input, writing, undefined)), tenantId }
      const query = anyTable(writing.trx).insertInto(this.#table.table).values(values).returningAll()
      const added = (await query.executeTakeFirstOrThrow()) as unknown as TEntity
      await raise(added)
      return added
    })
  }

  async update(id: number, input: TInput): Promise<TEntity> {
    return this.#write(async (writing, raise) => {
      const before = await this.#find(writing.trx, id)
      if (!before) throw this.#notFound(id)
      const values: Record<string, unknown> = { ...(await this.#table.values(input, writing, before)) }
      // No change, no event: nor is there anything that clients had to fetch again.
      const known = { ...before } as Record<string, unknown>
      if (Object.keys(values).every((column) => values[column] === known[column])) return before
      const updated = (await anyTable(writing.trx)
        .updateTable(this.#table.table)
        .set(values)
        .where(this.#table.key as string, '=', id)
        .returningAll()
        .executeTakeFirstOrThrow()) as unknown as TEntity
      await raise(updated)
      return updated
    })
  }

  async remove(id: number): Promise<void> {
    await this.#write(async ({ trx, tenantId }, raise) => {
      const deleted = await anyTable(trx)
        .deleteFrom(this.#table.table)
        .where(this.#table.key as string, '=', id)
        .where('tenantId', '=', tenantId)
        .returningAll()
        .executeTakeFirst()
      if (!deleted) throw this.#notFound(id)
      await raise(deleted as unknown as TEntity)
    })
  }

  #write<TResult>(
    work: (writing: Writing, raise: (entity: TEntity) => Promise<void>) => Promise<TResult>,
  ): Promise<TResult> {
    const { tenantId, siteId } = this.#tenantManager.getAlias()
    const { taken, used, also } = this.#table
    return explainConflicts({ taken, ...(used === undefined ? {} : { used }) }, () =>
      this.#engine.transaction(({ trx, raise }) =>
        work({ trx, tenantId, siteId }, async (entity) => {
          if (!also) return
          const [entityName, entityId, action] = also(entity)
          const site: TenantSite = { tenantId, siteId: entity.siteId }
          await raise(site, EntityNames[entityName], entityId, action)
        }),
      ),
    )
  }

  async #find(db: Kysely<HostTables>, id: number): Promise<TEntity | undefined> {
    const found = await this.#own(db)
      .where(this.#table.key as string, '=', id)
      .executeTakeFirst()
    return found as unknown as TEntity | undefined
  }

  #own(db: Kysely<HostTables>) {
    const { tenantId } = this.#tenantManager
    return anyTable(db).selectFrom(this.#table.table).selectAll().where('tenantId', '=', tenantId)
  }

  #notFound(id: number): EntityNotFoundError {
    return new EntityNotFoundError(EntityNames[this.#table.entityName], id)
  }
}
