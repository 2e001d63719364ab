import { EntityNames, SyncEventActions } from '@x/events-core'
import { explainConflicts } from '../database/constraint-errors.ts'
import { EntityNotFoundError } from '../domain/errors.ts'
import type { TenantManager } from '../domain/tenant-manager.ts'
import type { User, UserInput } from '../domain/user.ts'
import type { RepositoryServices } from './repository-services.ts'

const TAKEN = 'The username is taken.'

/** The users of one tenant. They belong to no site; their events carry the site they came from. */
export class UserRepository {
  readonly #engine: RepositoryServices['engine']
  readonly #tenantManager: TenantManager

  constructor({ engine, tenantManager }: RepositoryServices) {
    this.#engine = engine
    this.#tenantManager = tenantManager
  }

  async getUsers(): Promise<User[]> {
    return this.#ownUsers().orderBy('userId').execute()
  }

  async getUser(userId: number): Promise<User | undefined> {
    return this.#ownUsers().where('userId', '=', userId).executeTakeFirst()
  }

  async addUser({ username, displayName, email }: UserInput): Promise<User> {
    const alias = this.#tenantManager.getAlias()
    return explainConflicts({ taken: TAKEN }, () =>
      this.#engine.transaction(async ({ trx, raise }) => {
        const user = await trx
          .insertInto('user')
          .values({ tenantId: alias.tenantId, username, displayName, email })
          .returningAll()
          .executeTakeFirstOrThrow()
        await raise(alias, EntityNames.User, user.userId, SyncEventActions.Create, { data: user })
        return user
      }),
    )
  }

  async updateUser(userId: number, { username, displayName, email }: UserInput): Promise<User> {
    const alias = this.#tenantManager.getAlias()
    return explainConflicts({ taken: TAKEN }, () =>
      this.#engine.transaction(async ({ trx, raise }) => {
        const user = await trx
          .updateTable('user')
          .set({ username, displayName, email })
          .where('userId', '=', userId)
          .where('tenantId', '=', alias.tenantId)
          .returningAll()
          .executeTakeFirst()
        if (!user) throw new EntityNotFoundError(EntityNames.User, userId)
        await raise(alias, EntityNames.User, userId, SyncEventActions.Update, { data: user })
        return user
      }),
    )
  }

  async deleteUser(userId: number): Promise<void> {
    const alias = this.#tenantManager.getAlias()
    await this.#engine.transaction(async ({ trx, raise }) => {
      const user = await trx
        .deleteFrom('user')
        .where('userId', '=', userId)
        .where('tenantId', '=', alias.tenantId)
        .returningAll()
        .executeTakeFirst()
      if (!user) throw new EntityNotFoundError(EntityNames.User, userId)
      await raise(alias, EntityNames.User, userId, SyncEventActions.Delete, { data: user })
    })
  }

  #ownUsers() {
    const { tenantId } = this.#tenantManager
    return this.#engine.db.selectFrom('user').selectAll().where('tenantId', '=', tenantId)
  }
}
