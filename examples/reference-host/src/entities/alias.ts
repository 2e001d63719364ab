import type { Alias } from '@x/events-core'
import type { Kysely } from 'kysely'
import { z } from 'zod'
import type { HostTables } from '../database/tables.ts'
import { defineEntity } from '../entity/define-entity.ts'
import { text } from '../entity/fields.ts'

const NAME = /^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?(:\d{1,5})?$/

/**
 * A name that a site is reached under. The first tenant that adds a name has it, as this host cannot tell whose it
 * is; one for strangers would ask for a proof, such as a record in the name's DNS zone.
 */
export const alias = defineEntity({
  name: 'Alias',
  noun: 'A name of a site',
  scope: 'site',
  migration: '0003-alias',
  fields: { name: text(z.string().toLowerCase().regex(NAME, 'must be a host name, with a port or without')) },
  unique: ['name'],
  taken: 'The name is taken.',
  site: 'movable',
  isPublic: false,
})

declare module '../entity/define-entity.ts' {
  interface Entities {
    Alias: typeof alias
  }
}

/** The alias of requests that come in under a name that is not registered. */
export const DEFAULT_ALIAS = '*'

/** The alias of a `Host` header: by name and port, else by name alone, else the default one. */
export async function findAlias(db: Kysely<HostTables>, host: string): Promise<Alias | undefined> {
  const name = host.toLowerCase()
  const names = [name, name.replace(/:\d+$/, ''), DEFAULT_ALIAS]
  const found = await db.selectFrom('alias').selectAll().where('name', 'in', names).execute()
  return found.toSorted((a, b) => names.indexOf(a.name) - names.indexOf(b.name))[0]
}
