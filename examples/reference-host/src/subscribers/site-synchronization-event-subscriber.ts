import { EntityNames, type IEventSubscriber, type IServiceScopeFactory, type SyncEvent } from '@x/events-core'
import type { EventEngine } from '@x/events-engine'
import type { Kysely } from 'kysely'
import { isPostgres } from '../database/open-database.ts'
import type { HostTables } from '../database/tables.ts'
import { entities } from '../entities/entities.ts'
import type { Entity, EntityRow, Writing } from '../entity/define-entity.ts'
import { EntityConflictError } from '../entity/errors.ts'
import type { TenantManager } from '../entity/tenant-manager.ts'
import type { FileStorage } from '../files/file-storage.ts'
import type { Services } from '../host/services.ts'

const CHANGES = ['Create', 'Update', 'Delete']

// In the order in which they refer to each other, which is that of the list of entities.
const synchronized = entities.filter(({ isSynchronized }) => isSynchronized)
const byName = new Map<string, Entity>(synchronized.map((entity) => [entity.name, entity]))
const byEventName = new Map(
  synchronized.flatMap((entity) => (entity.eventsOf?.names ?? [entity.name]).map((name) => [name, entity])),
)

/** The events that {@link SiteSynchronizationEventSubscriber} follows. */
export const SYNCHRONIZED_EVENTS = [
  ...byEventName.keys(),
  EntityNames.SiteGroup,
  EntityNames.SiteGroupMember,
].flatMap((name) => CHANGES.map((action) => `${name}.${action}`))

type Row = Readonly<Record<string, unknown>>

/** A row of a primary site, and the secondary site that is to have a copy of it. */
interface Copy {
  readonly entity: Entity
  readonly primaryId: number
  readonly siteId: number
}

/**
 * Keeps the secondary sites of a group for synchronization equal to its primary site. An event says which row has
 * changed; the copy is made of the row as it is now, so that an event that comes twice, late, or again after a crash
 * changes nothing. A row that is gone has its copy deleted, and a copy that was changed is put right again. What a
 * secondary site has besides stays.
 */
export class SiteSynchronizationEventSubscriber implements IEventSubscriber {
  readonly #engine: EventEngine<HostTables>
  readonly #serviceScopeFactory: IServiceScopeFactory

  constructor(engine: EventEngine<HostTables>, serviceScopeFactory: IServiceScopeFactory) {
    this.#engine = engine
    this.#serviceScopeFactory = serviceScopeFactory
  }

  async entityChanged(event: SyncEvent, context?: { readonly signal: AbortSignal }): Promise<void> {
    const { tenantId } = event
    await using scope = this.#serviceScopeFactory.createScope()
    scope.resolve<TenantManager>('tenantManager').setTenant(tenantId)
    const synchronization = new Synchronization(
      this.#engine,
      tenantId,
      scope.resolve<Services['repositoryOf']>('repositoryOf'),
      scope.resolve<FileStorage>('fileStorage'),
    )
    const copies = byEventName.has(event.entityName)
      ? await synchronization.copiesOf(event)
      : await synchronization.copiesOfAll()
    for (const copy of copies) {
      context?.signal.throwIfAborted()
      await synchronization.synchronize(copy)
    }
  }
}

/** The work of one event. */
class Synchronization {
  readonly #engine: EventEngine<HostTables>
  readonly #tenantId: number
  readonly #repositoryOf: Services['repositoryOf']
  readonly #fileStorage: FileStorage

  constructor(
    engine: EventEngine<HostTables>,
    tenantId: number,
    repositoryOf: Services['repositoryOf'],
    fileStorage: FileStorage,
  ) {
    this.#engine = engine
    this.#tenantId = tenantId
    this.#repositoryOf = repositoryOf
    this.#fileStorage = fileStorage
  }

  /** The copies that an event about a row is about: those of the row, and the row itself where it is a copy. */
  async copiesOf({ entityName, entityId, siteId }: SyncEvent): Promise<Copy[]> {
    const entity = byEventName.get(entityName)
    if (!entity) return []
    const id = Number(entityId)
    const { db } = this.#engine
    const known = db.selectFrom('siteCopy').selectAll().where('entityName', '=', entity.name)
    const copiesOfRow = await known.where('primaryId', '=', id).execute()
    const isCopyOf = await known.where('copyId', '=', id).execute()
    // A copy is the primary of nothing: two groups that lead to each other would copy without end.
    const secondaries = isCopyOf.length > 0 ? [] : await this.#secondariesOf(siteId)
    const siteIds = new Set([...copiesOfRow.map((copy) => copy.siteId), ...secondaries])
    return [
      ...isCopyOf.map((copy) => ({ entity, primaryId: copy.primaryId, siteId: copy.siteId })),
      ...[...siteIds].map((secondary) => ({ entity, primaryId: id, siteId: secondary })),
    ]
  }

  /** All copies of the tenant, since its groups have changed. What belongs to no group any more is forgotten. */
  async copiesOfAll(): Promise<Copy[]> {
    const { db } = this.#engine
    const pairs = await this.#pairs(db).execute()
    const isPair = (one: { primarySiteId: number; siteId: number }) =>
      pairs.some(({ primarySiteId, siteId }) => primarySiteId === one.primarySiteId && siteId === one.siteId)
    const known = await db
      .selectFrom('siteCopy')
      .select(['primarySiteId', 'siteId'])
      .distinct()
      .where('tenantId', '=', this.#tenantId)
      .execute()
    for (const { primarySiteId, siteId } of known.filter((one) => !isPair(one))) {
      const former = db.deleteFrom('siteCopy').where('primarySiteId', '=', primarySiteId)
      await former.where('siteId', '=', siteId).execute()
    }
    const copies: Copy[] = []
    for (const { primarySiteId, siteId } of pairs) {
      for (const entity of synchronized) {
        const rows = await this.#repositoryOf(entity).list({ siteId: primarySiteId })
        for (const row of rows) copies.push({ entity, primaryId: idOf(entity, row), siteId })
      }
    }
    return copies
  }

  /** Makes a copy equal to its row, in one transaction. */
  async synchronize(copy: Copy): Promise<void> {
    // Bytes are copied before the transaction: on SQLite, it would keep everything else waiting.
    const storageKey = copy.entity.name === EntityNames.File ? await this.#copyBytes(copy) : undefined
    try {
      const isUsed = await this.#engine.transaction(async ({ trx, raise }) => {
        const writing = { trx, raise, tenantId: this.#tenantId, siteId: copy.siteId }
        // One at a time: a node that was thought dead may still be at it. SQLite has one writer anyway.
        const site = trx.selectFrom('site').select('siteId').where('siteId', '=', copy.siteId)
        await site.$if(isPostgres(trx), (query) => query.forNoKeyUpdate()).execute()
        return this.#copyRow(writing, copy, storageKey)
      })
      if (storageKey !== undefined && !isUsed) await this.#fileStorage.remove(storageKey)
    } catch (error) {
      if (storageKey !== undefined) await this.#fileStorage.remove(storageKey)
      throw error
    }
  }

  /** @returns whether the storage key is in use now. */
  async #copyRow(writing: Writing, copy: Copy, storageKey?: string): Promise<boolean> {
    const { trx } = writing
    const { entity, primaryId, siteId } = copy
    const repository = this.#repositoryOf(entity)
    const found = await find(trx, entity, primaryId)
    const row = found?.['tenantId'] === this.#tenantId && isOfSite(entity, found) ? found : undefined
    const known = await mapped(trx, copy)
    const existing = known && (await find(trx, entity, known.copyId))
    // Added and deleted again before it was copied.
    if (!row && !known) return false
    const primarySiteId = known?.primarySiteId ?? Number(row?.['siteId'])
    const isMember = (await this.#secondariesOf(primarySiteId, trx)).includes(siteId)
    // A site that has left its group keeps what it has.
    if (isMember && existing && row?.['siteId'] !== primarySiteId) {
      await this.#removeCopy(writing, copy, existing)
    }
    if (!isMember || row?.['siteId'] !== primarySiteId) {
      const forgotten = trx.deleteFrom('siteCopy').where('entityName', '=', entity.name)
      await forgotten.where('primaryId', '=', primaryId).where('siteId', '=', siteId).execute()
      return false
    }
    const values = await this.#valuesFor(writing, copy, row)
    const alike = await findAlike(trx, entity, siteId, values)
    const inTheWay = alike && idOf(entity, alike) !== known?.copyId ? alike : undefined
    const otherId = inTheWay && (await primaryOf(trx, entity, idOf(entity, inTheWay)))
    // A row of the site's own that is like the primary's becomes its copy, as it can be there once.
    const own = existing ?? (otherId === undefined ? inTheWay : undefined)
    if (inTheWay && otherId !== undefined) await this.#makeWay(writing, entity, inTheWay)
    else if (inTheWay && existing) {
      throw new EntityConflictError(
        `${entity.noun} of site ${siteId}, with the id ${idOf(entity, inTheWay)}, is in the way of the copy of ${primaryId}.`,
      )
    }
    const stored = { ...values, ...(storageKey !== undefined && { storageKey }) }
    const copied = own
      ? await repository.updateRow(writing, own as unknown as EntityRow, stored)
      : await repository.addRow(writing, stored)
    const copyId = idOf(entity, copied)
    if (copyId !== known?.copyId) {
      await trx
        .insertInto('siteCopy')
        .values({
          tenantId: this.#tenantId,
          entityName: entity.name,
          primarySiteId,
          primaryId,
          siteId,
          copyId,
        })
        .onConflict((conflict) =>
          conflict.columns(['entityName', 'primaryId', 'siteId']).doUpdateSet({ primarySiteId, copyId }),
        )
        .execute()
    }
    // Two pages may have changed places: the other one finds its own free now.
    if (otherId !== undefined) await this.#copyRow(writing, { entity, primaryId: otherId, siteId })
    return existing === undefined
  }

  /** Frees what no two rows of a site may have. */
  async #makeWay(writing: Writing, entity: Entity, row: Row): Promise<void> {
    const repository = this.#repositoryOf(entity)
    const text = entity.unique.findLast(
      (name) => typeof name === 'string' && entity.fields[name]?.column === 'text',
    )
    if (typeof text !== 'string') return repository.removeRow(writing, row as unknown as EntityRow)
    const moved = { [text]: `${row[text]}~${idOf(entity, row)}` }
    await repository.updateRow(writing, row as unknown as EntityRow, moved)
  }

  /** The columns of a copy: those of the row, with what it refers to replaced by the copies of that. */
  async #valuesFor(writing: Writing, { entity, siteId }: Copy, row: Row): Promise<Row> {
    const values: Record<string, unknown> = { tenantId: this.#tenantId, siteId }
    const { belongsTo } = entity
    for (const [name, field] of Object.entries(entity.fields)) {
      const value = row[name]
      const refersTo = belongsTo?.entityId === name ? String(row[belongsTo.entityName]) : field.refersTo
      const target = typeof value === 'number' && refersTo !== undefined ? byName.get(refersTo) : undefined
      if (!target) {
        values[name] = refersTo === EntityNames.Site ? siteId : value
        continue
      }
      const copy = { entity: target, primaryId: Number(value), siteId }
      if ((await mapped(writing.trx, copy)) === undefined) await this.#copyRow(writing, copy)
      values[name] = (await mapped(writing.trx, copy))?.copyId
    }
    return values
  }

  async #removeCopy(writing: Writing, { entity, siteId }: Copy, row: Row): Promise<void> {
    // A root folder goes with its site.
    if (entity.name === EntityNames.Folder && row['parentId'] === null) return
    // The row may be gone before the events are handled of what was moved out of it, such as a folder's files.
    for (const other of synchronized) {
      for (const [field, { refersTo }] of Object.entries(other.fields)) {
        if (refersTo !== entity.name) continue
        const referring = anyTable(writing.trx).selectFrom(other.table).selectAll()
        for (const found of await referring.where(field, '=', idOf(entity, row)).execute()) {
          const primaryId = await primaryOf(writing.trx, other, idOf(other, found))
          if (primaryId !== undefined) await this.#copyRow(writing, { entity: other, primaryId, siteId })
        }
      }
    }
    await this.#repositoryOf(entity).removeRow(writing, row as unknown as EntityRow)
  }

  /** @returns the key of new bytes where the copy of a file has none yet. */
  async #copyBytes(copy: Copy): Promise<string | undefined> {
    const { db } = this.#engine
    const row = await find(db, copy.entity, copy.primaryId)
    const known = await mapped(db, copy)
    if (!row || (known && (await find(db, copy.entity, known.copyId)))) return undefined
    await using content = await this.#fileStorage.open(String(row['storageKey']))
    const { storageKey } = await this.#fileStorage.save(content.createReadStream({ autoClose: false }))
    return storageKey
  }

  async #secondariesOf(primarySiteId: number, db: Kysely<HostTables> = this.#engine.db): Promise<number[]> {
    const pairs = await this.#pairs(db).where('primarySiteId', '=', primarySiteId).execute()
    return pairs.map(({ siteId }) => siteId)
  }

  /** Which site is kept equal to which. */
  #pairs(db: Kysely<HostTables>) {
    return db
      .selectFrom('siteGroupMember')
      .innerJoin('siteGroup', 'siteGroup.siteGroupId', 'siteGroupMember.siteGroupId')
      .select(['siteGroup.primarySiteId', 'siteGroupMember.siteId'])
      .distinct()
      .where('siteGroup.type', '=', 'Synchronization')
      .where('siteGroup.tenantId', '=', this.#tenantId)
      .whereRef('siteGroupMember.siteId', '<>', 'siteGroup.primarySiteId')
  }
}

function idOf(entity: Entity, row: object): number {
  return (row as Readonly<Record<string, number>>)[entity.key] ?? 0
}

/** Whether a row is of its site, as a page's setting is; a person's is not. */
function isOfSite({ belongsTo }: Entity, row: Row): boolean {
  const owner = belongsTo && String(row[belongsTo.entityName])
  return owner === undefined || owner === EntityNames.Site || byName.has(owner)
}

const anyTable = (db: Kysely<HostTables>) => db as unknown as Kysely<Record<string, Record<string, unknown>>>

async function find(db: Kysely<HostTables>, entity: Entity, id: number): Promise<Row | undefined> {
  const rows = anyTable(db).selectFrom(entity.table).selectAll()
  return rows.where(entity.key as string, '=', id).executeTakeFirst()
}

/** A row of the secondary site that the copy would be in the way of, such as a page at the same path: it becomes the copy. */
async function findAlike(
  db: Kysely<HostTables>,
  { table, name, unique }: Entity,
  siteId: number,
  values: Row,
): Promise<Row | undefined> {
  const columns = name === EntityNames.Folder ? ['parentId', 'name'] : unique
  if (columns.length === 0) return undefined
  const rows = anyTable(db).selectFrom(table).selectAll().where('siteId', '=', siteId)
  const isRoot = name === EntityNames.Folder && values['parentId'] === null
  if (isRoot) return rows.where('parentId', 'is', null).executeTakeFirst()
  return columns
    .filter((column) => typeof column === 'string')
    .reduce((alike, column) => alike.where(column, '=', values[column]), rows)
    .executeTakeFirst()
}

/** The row of the primary site that a row is the copy of. */
async function primaryOf(
  db: Kysely<HostTables>,
  entity: Entity,
  copyId: number,
): Promise<number | undefined> {
  const copies = db.selectFrom('siteCopy').select('primaryId').where('entityName', '=', entity.name)
  return (await copies.where('copyId', '=', copyId).executeTakeFirst())?.primaryId
}

/** The copy of a row, as far as it is known. */
async function mapped(
  db: Kysely<HostTables>,
  { entity, primaryId, siteId }: Copy,
): Promise<{ readonly copyId: number; readonly primarySiteId: number } | undefined> {
  const copies = db.selectFrom('siteCopy').select(['copyId', 'primarySiteId'])
  const found = copies.where('entityName', '=', entity.name).where('primaryId', '=', primaryId)
  return found.where('siteId', '=', siteId).executeTakeFirst()
}
