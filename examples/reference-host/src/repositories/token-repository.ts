import { createHash, timingSafeEqual } from 'node:crypto'
import type { Kysely } from 'kysely'
import type { HostTables } from '../database/tables.ts'

/** Whom a token stands for. */
export interface TokenHolder {
  readonly tenantId: number
  readonly name: string
}

function hashOf(token: string): string {
  return createHash('sha256').update(token).digest('hex')
}

/** The tokens that administer tenants. A token tells its tenant, so that this is bound to none. */
export class TokenRepository {
  readonly #db: Kysely<HostTables>

  constructor({ db }: { db: Kysely<HostTables> }) {
    this.#db = db
  }

  async findHolder(token: string): Promise<TokenHolder | undefined> {
    const tokenHash = hashOf(token)
    const found = await this.#db
      .selectFrom('apiToken')
      .select(['tenantId', 'name', 'tokenHash'])
      .where('tokenHash', '=', tokenHash)
      .executeTakeFirst()
    // An index answers sooner the sooner it differs; that tells about hashes, from which no token
    // can be made. The last word has a comparison that takes the same time whatever it is given.
    if (!found || !timingSafeEqual(Buffer.from(found.tokenHash), Buffer.from(tokenHash))) return undefined
    return { tenantId: found.tenantId, name: found.name }
  }

  /** Sets a tenant's token of a name; the one it had before is worth nothing from then on. */
  async setToken({ tenantId, name }: TokenHolder, token: string): Promise<void> {
    const tokenHash = hashOf(token)
    await this.#db
      .insertInto('apiToken')
      .values({ tenantId, name, tokenHash })
      .onConflict((conflict) => conflict.columns(['tenantId', 'name']).doUpdateSet({ tokenHash }))
      .execute()
  }
}
