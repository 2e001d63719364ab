import { EntityNames } from '@x/events-core'
import type { Transaction } from 'kysely'
import { userKeyOf } from '../cache/host-cache.ts'
import { explainConflicts } from '../database/constraint-errors.ts'
import type { HostTables } from '../database/tables.ts'
import { EntityNotFoundError } from '../domain/errors.ts'
import type { TenantManager } from '../domain/tenant-manager.ts'
import type { User, UserInput } from '../domain/user.ts'
import type { RepositoryServices } from './repository-services.ts'

const TAKEN = 'The username is taken.'

/** The users of one tenant. They belong to no site; their events carry the site they came from. */
export class UserRepository {
  readonly #engine: RepositoryServices['engine']
  readonly #tenantManager: TenantManager
  readonly #cache: RepositoryServices['hostCache']

  constructor({ engine, tenantManager, hostCache }: RepositoryServices) {
    this.#engine = engine
    this.#tenantManager = tenantManager
    this.#cache = hostCache
  }

  async getUsers(): Promise<User[]> {
    return this.#ownUsers().orderBy('userId').execute()
  }

  async getUser(userId: number): Promise<User | undefined> {
    return this.#cache.users.read(userKeyOf(this.#tenantManager, userId), () =>
      this.#ownUsers().where('userId', '=', userId).executeTakeFirst(),
    )
  }

  async addUser({ username, displayName, email }: UserInput): Promise<User> {
    const { tenantId } = this.#tenantManager
    const added = await explainConflicts({ taken: TAKEN }, () =>
      this.#change((trx) =>
        trx
          .insertInto('user')
          .values({ tenantId, username, displayName, email })
          .returningAll()
          .executeTakeFirstOrThrow(),
      ),
    )
    // Somebody may be looking for it this very moment, and share that it is not there yet.
    this.#forget(added.userId)
    return added
  }

  async updateUser(userId: number, { username, displayName, email }: UserInput): Promise<User> {
    const { tenantId } = this.#tenantManager
    const updated = await explainConflicts({ taken: TAKEN }, () =>
      this.#change(async (trx) => {
        const user = await trx
          .updateTable('user')
          .set({ username, displayName, email })
          .where('userId', '=', userId)
          .where('tenantId', '=', tenantId)
          .returningAll()
          .executeTakeFirst()
        if (!user) throw new EntityNotFoundError(EntityNames.User, userId)
        return user
      }),
    )
    this.#forget(userId)
    return updated
  }

  async deleteUser(userId: number): Promise<void> {
    const { tenantId } = this.#tenantManager
    await this.#change(async (trx) => {
      const user = await trx
        .deleteFrom('user')
        .where('userId', '=', userId)
        .where('tenantId', '=', tenantId)
        .returningAll()
        .executeTakeFirst()
      if (!user) throw new EntityNotFoundError(EntityNames.User, userId)
    })
    this.#forget(userId)
  }

  /** Tells the database by which site somebody came in: the rows do not know. */
  #change<TResult>(work: (trx: Transaction<HostTables>) => Promise<TResult>): Promise<TResult> {
    return this.#engine.withContext(this.#tenantManager.getAlias(), () =>
      this.#engine.transaction(({ trx }) => work(trx)),
    )
  }

  /** Other nodes hear of it by the event; who has just changed something here reads it at once. */
  #forget(userId: number): void {
    this.#cache.users.remove(userKeyOf(this.#tenantManager, userId))
  }

  #ownUsers() {
    const { tenantId } = this.#tenantManager
    return this.#engine.db.selectFrom('user').selectAll().where('tenantId', '=', tenantId)
  }
}
