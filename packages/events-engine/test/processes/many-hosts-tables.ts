import type { Generated, Kysely } from 'kysely'

/** What a host of `many-hosts-host.ts` is told. */
export interface ManyHostsOptions {
  readonly url: string
  /** A name that no other process of the test has. */
  readonly node: string
  readonly raisers: number
  readonly leaseMs: number
  /** How long each call of a subscriber takes, in milliseconds. */
  readonly pauseMs: number
  readonly timeoutMs: number
}

/** The tables of those hosts. */
export interface ManyHostsTables {
  entity: { id: number; version: number }
  /** One row for each event, committed with it. */
  change: { event_id: string; entity_id: number; version: number }
  /** One row for each handling, in the order of the handlings. */
  handled: {
    seq: Generated<string>
    subscription: string
    node: string
    event_id: string
    entity_id: number
    version: number
  }
}

export async function createManyHostsTables(db: Kysely<ManyHostsTables>): Promise<void> {
  const integer = (table: string, ...columns: string[]) =>
    columns.reduce((builder, column) => builder.addColumn(column, 'integer'), db.schema.createTable(table))
  await integer('entity', 'id', 'version').execute()
  await integer('change', 'entity_id', 'version').addColumn('event_id', 'text').execute()
  await integer('handled', 'entity_id', 'version')
    .addColumn('seq', 'bigserial')
    .addColumn('subscription', 'text')
    .addColumn('node', 'text')
    .addColumn('event_id', 'text')
    .execute()
  await db
    .insertInto('entity')
    .values(Array.from({ length: 9 }, (_, id) => ({ id, version: 0 })))
    .execute()
}
