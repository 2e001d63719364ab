import { ALL_SITES, ALL_TENANTS, EntityNames, type JsonValue, type SyncEventAction } from '@x/events-core'
import type { CaptureTableOptions, EventEngine, Raise } from '@x/events-engine'
import type { RawBuilder, Transaction } from 'kysely'
import { type ZodObject, type ZodType, z } from 'zod'
import type { HostCache, ReadCache } from '../cache/host-cache.ts'
import type { HostTables } from '../database/tables.ts'
import { entityId, type Field } from './fields.ts'

/**
 * The entities of the host by name. Each file in `entities` adds its own; the types of tables, of events and of
 * what may be referred to follow from it.
 */
// biome-ignore lint/suspicious/noEmptyInterface: each entity adds itself
export interface Entities {}

/** A row that belongs to a tenant, and to one of its sites unless the entity belongs to all of them. */
export interface EntityRow {
  readonly tenantId: number
  readonly siteId?: number
}

/** The transaction in which something is written, and on whose behalf. */
export interface Writing {
  readonly trx: Transaction<HostTables>
  readonly raise: Raise
  readonly tenantId: number
  /** The site that the request came in by. */
  readonly siteId: number
}

/** A row that has been created, updated or deleted, in the transaction that did it. */
export interface Change<TRow> extends Writing {
  readonly action: 'Create' | 'Update' | 'Delete'
  /** The row before an update. */
  readonly before: TRow | undefined
}

/** An event beside the one of the row: what clients fetch or load again. */
export interface AlsoRaised {
  readonly entityName: keyof typeof EntityNames
  readonly entityId: number
  readonly action: SyncEventAction
  /** The site of the event; the row's, or the one that the request came in by, when left out. */
  readonly siteId?: number
}

/** One of the five routes of an entity. */
export type Operation = 'list' | 'get' | 'add' | 'update' | 'remove'

type Fields = Readonly<Record<string, Field>>
type Scope = 'installation' | 'tenant' | 'site'
type Shown<TObject> = { readonly [TKey in keyof TObject]: TObject[TKey] }

/** The column that identifies an entity: `pageId` of a `Page`. */
export type KeyOf<TName extends string> = `${Uncapitalize<TName>}Id`

type Owner<TScope extends Scope> = TScope extends 'site'
  ? { tenantId: number; siteId: number }
  : { tenantId: number }

type Values<TFields extends Fields> = {
  [TKey in keyof TFields]: TFields[TKey] extends Field<infer TValue> ? TValue : never
}

/** What may be sent for an entity. */
type InputOf<TFields extends Fields> = Shown<
  {
    [TKey in keyof TFields as TFields[TKey] extends Field<unknown, infer TInput>
      ? [TInput] extends [never]
        ? never
        : TKey
      : never]: TFields[TKey] extends Field<unknown, infer TInput> ? TInput : never
  } & { siteId?: number | undefined }
>

type PrivateKeys<TFields extends Fields> = {
  [TKey in keyof TFields]: TFields[TKey] extends Field<unknown, unknown, true> ? TKey : never
}[keyof TFields]

type RowOf<TName extends string, TScope extends Scope, TFields extends Fields> = Shown<
  Owner<TScope> & Record<KeyOf<TName>, number> & Values<TFields>
>

/** What is particular about an entity. */
export interface EntityOptions<
  TName extends keyof typeof EntityNames,
  TScope extends Scope,
  TFields extends Fields,
  TRow = RowOf<TName, TScope, TFields>,
> {
  readonly name: TName
  /** As in a sentence: `A page`. */
  readonly noun: string
  /** Whether each site has its own, all sites of a tenant share them, or it is a tenant itself. */
  readonly scope: TScope
  /** The migration that creates the table: a number that is higher than those before, and a name. */
  readonly migration: `${number}-${string}`
  /** The columns beside the key, the tenant and the site. */
  readonly fields: TFields
  /** Columns that neither the API nor events show. */
  readonly hidden?: readonly string[]
  /** Columns, or expressions, of which no two rows may have the same. */
  readonly unique?: readonly (string | RawBuilder<unknown>)[]
  /** What a conflict with `unique` says. */
  readonly taken?: string
  /** What the deletion of a row says that others refer to. */
  readonly used?: string
  /** Whether everybody may read, as visitors of a site do; only administrators write. */
  readonly isPublic: boolean
  /**
   * Whether `siteId` may be sent for a new row, or for an old one as well. Otherwise the site is that of the
   * rows that are referred to.
   * @defaultValue 'derived' where a field refers to another entity, else 'chosen'
   */
  readonly site?: 'chosen' | 'movable' | 'derived'
  /** @defaultValue all five */
  readonly operations?: readonly Operation[]
  /** Whether the sites of a group for synchronization have the same rows: see the subscriber that sees to it. */
  readonly isSynchronized?: boolean
  /** The fields that say which row a row belongs to, of whatever entity: it is removed with that one. */
  readonly belongsTo?: {
    readonly entityName: keyof TFields & string
    readonly entityId: keyof TFields & string
  }
  /** An example for consumers of webhooks. */
  readonly example?: Readonly<Record<string, JsonValue>>
  /** What is stored where it is not just what was sent. */
  columns?(
    input: InputOf<TFields>,
    writing: Writing,
    before: TRow | undefined,
  ): Partial<TRow> | Promise<Partial<TRow>>
  /** What else is raised with a change. */
  also?(row: TRow, change: Change<TRow>): readonly AlsoRaised[] | Promise<readonly AlsoRaised[]>
  /** What else is written when a row has been added, or before it is removed. */
  added?(row: TRow, writing: Writing): Promise<void>
  removing?(row: TRow, writing: Writing): Promise<void>
  /**
   * The entity name of a row's events, where it depends on the row. The repository raises them, since the
   * database's triggers know one name for each table.
   */
  readonly eventsOf?: { readonly names: readonly string[]; nameOf(row: TRow): string }
  /** Where this node keeps what it has read of a row. */
  cached?(cache: HostCache, tenantId: number, id: number): readonly [cache: ReadCache<object>, key: string]
  /** What else in the cache a change makes stale. */
  stale?(cache: HostCache, row: TRow): void
}

/** An entity: what its table, repository, routes, events and description are made of. */
export interface Entity<TRow extends EntityRow = EntityRow, TInput = unknown, TData = JsonValue>
  extends Omit<
    EntityOptions<keyof typeof EntityNames, Scope, Fields, TRow>,
    'columns' | 'unique' | 'hidden' | 'operations' | 'site'
  > {
  readonly table: keyof HostTables
  readonly key: keyof TRow & string
  readonly hidden: readonly string[]
  readonly unique: readonly (string | RawBuilder<unknown>)[]
  readonly operations: readonly Operation[]
  readonly site: 'chosen' | 'movable' | 'derived'
  /** What the API answers. */
  readonly schema: ZodObject
  /** What may be sent; what else a client sends along, such as an id, is left aside. */
  readonly input: ZodType<TInput>
  /** The properties of the events' data. */
  readonly data: readonly string[]
  columns?(input: TInput, writing: Writing, before: TRow | undefined): Partial<TRow> | Promise<Partial<TRow>>
  /** Types alone: a row, and the data of its events. */
  readonly types?: { readonly row: TRow; readonly data: TData }
}

/** A row of an entity. */
export type RowOfEntity<TEntity> = TEntity extends { readonly types?: { readonly row: infer TRow } }
  ? TRow
  : never

/** What may be sent for an entity. */
export type InputOfEntity<TEntity> = TEntity extends { readonly input: ZodType<infer TInput> }
  ? TInput
  : never

// Events carry what is not private, and the compiler knows.
type EventData = {
  readonly [TName in keyof Entities]: Entities[TName] extends {
    readonly types?: { readonly data: infer TData }
  }
    ? TData
    : never
}

declare module '@x/events-core' {
  interface EntityTypes extends EventData {}
}

/** Describes an entity; everything else about it follows. */
export function defineEntity<
  const TName extends keyof typeof EntityNames,
  const TScope extends Scope,
  TFields extends Fields,
>(
  options: EntityOptions<TName, TScope, TFields>,
): Entity<
  RowOf<TName, TScope, TFields>,
  InputOf<TFields>,
  Omit<RowOf<TName, TScope, TFields>, PrivateKeys<TFields>>
> {
  const { name, scope, fields, hidden = [], unique = [] } = options
  const table = name.charAt(0).toLowerCase() + name.slice(1)
  const key = `${table}Id`
  const owner = scope === 'site' ? { tenantId: entityId, siteId: entityId } : { tenantId: entityId }
  const entries = Object.entries(fields)
  const refers = entries.some(([, { refersTo }]) => refersTo !== undefined)
  const { site = scope !== 'site' || refers ? 'derived' : 'chosen' } = options
  const inputs = entries.flatMap(([field, { input }]) => (input ? [[field, input] as const] : []))
  const schema = z.object({
    [key]: entityId,
    ...owner,
    ...Object.fromEntries(entries.map(([field, { value }]) => [field, value])),
  })
  const described = {
    operations: ['list', 'get', 'add', 'update', 'remove'],
    ...options,
    table,
    key,
    hidden,
    unique,
    site,
    schema,
    input: z.object({
      ...(site === 'derived' ? {} : { siteId: entityId.optional() }),
      ...Object.fromEntries(inputs),
    }),
    data: Object.keys(schema.shape).filter((field) => fields[field]?.isPrivate !== true),
  }
  // What the objects above are made of is known by name at run time alone.
  return described as unknown as ReturnType<typeof defineEntity<TName, TScope, TFields>>
}

/** Clients show something else now: they fetch the pages of the site again. */
export function refreshSite({ siteId }: { readonly siteId: number }): readonly AlsoRaised[] {
  return [{ entityName: 'Site', entityId: siteId, action: 'Refresh' }]
}

/** Lets the database raise Create, Update and Delete for each change of an entity's rows, by any program. */
export async function captureEntity(engine: EventEngine<HostTables>, entity: Entity): Promise<void> {
  const { table, name, key, scope, schema, data } = entity
  const site: Pick<CaptureTableOptions, 'siteId' | 'onMissingContext'> =
    'siteId' in schema.shape
      ? { siteId: { column: 'siteId' } }
      : scope === 'installation'
        ? { siteId: ALL_SITES }
        : // Rows of all sites: their events carry the site that the request came in by, where there was one.
          { siteId: 'context', onMissingContext: { tenantId: ALL_TENANTS, siteId: ALL_SITES } }
  await engine.captureTable({
    table,
    entityName: EntityNames[name],
    entityId: key,
    tenantId: { column: 'tenantId' },
    ...site,
    data,
  })
}
