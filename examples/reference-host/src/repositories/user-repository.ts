import { EntityNames } from '@x/events-core'
import { tenantKeyOf, userCacheKey } from '../cache/cache-keys.ts'
import { explainConflicts } from '../database/constraint-errors.ts'
import { EntityNotFoundError } from '../domain/errors.ts'
import type { TenantManager } from '../domain/tenant-manager.ts'
import type { User, UserInput } from '../domain/user.ts'
import type { RepositoryServices } from './repository-services.ts'

const TAKEN = 'The username is taken.'

/** The users of one tenant. They belong to no site in particular. */
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
    return this.#cache.getOrLoad(this.#cacheKeyOf(userId), () =>
      this.#ownUsers().where('userId', '=', userId).executeTakeFirst(),
    )
  }

  async addUser({ username, displayName, email }: UserInput): Promise<User> {
    const { tenantId } = this.#tenantManager
    return explainConflicts({ taken: TAKEN }, () =>
      this.#engine.transaction(async ({ trx }) => {
        const user = await trx
          .insertInto('user')
          .values({ tenantId, username, displayName, email })
          .returningAll()
          .executeTakeFirstOrThrow()
        return user
      }),
    )
  }

  async updateUser(userId: number, { username, displayName, email }: UserInput): Promise<User> {
    const { tenantId } = this.#tenantManager
    const updated = await explainConflicts({ taken: TAKEN }, () =>
      this.#engine.transaction(async ({ trx }) => {
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
    await this.#engine.transaction(async ({ trx }) => {
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

  #cacheKeyOf(userId: number): string {
    return userCacheKey(tenantKeyOf(this.#tenantManager.tenantId), userId)
  }

  /** Other nodes hear of it by the event; who has just changed something here reads it at once. */
  #forget(userId: number): void {
    this.#cache.remove(this.#cacheKeyOf(userId))
  }

  #ownUsers() {
    const { tenantId } = this.#tenantManager
    return this.#engine.db.selectFrom('user').selectAll().where('tenantId', '=', tenantId)
  }
}
