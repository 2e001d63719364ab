import type { Alias } from '@x/events-core'
import type { Kysely } from 'kysely'
import type { HostTables } from '../database/tables.ts'

/** The alias of requests that come in under a name nobody registered. */
export const DEFAULT_ALIAS = '*'

/** The names under which sites are reached. */
export class AliasRepository {
  readonly #db: Kysely<HostTables>

  constructor({ db }: { db: Kysely<HostTables> }) {
    this.#db = db
  }

  /** The alias of a `Host` header: by name and port, else by name alone, else the default one. */
  async findAlias(host: string): Promise<Alias | undefined> {
    const name = host.toLowerCase()
    const names = [name, name.replace(/:\d+$/, ''), DEFAULT_ALIAS]
    const found = await this.#db.selectFrom('alias').selectAll().where('name', 'in', names).execute()
    return found.toSorted((a, b) => names.indexOf(a.name) - names.indexOf(b.name))[0]
  }
}
