import { randomBytes, type ScryptOptions, scrypt, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { promisify } from 'node:util'
import { EntityNames, SyncEventActions } from '@x/events-core'
import type { Request, Response } from 'express'
import type { RepositoryServices } from '../entity/entity-repository.ts'
import { EntityNotFoundError } from '../entity/errors.ts'
import { generateToken, hashOfToken } from './secret-hash.ts'

/** The role whose members may do what a tenant's tokens may. */
const ADMINISTRATORS = 'Administrators'

/** How long somebody stays logged in. */
const SESSION_MS = 12 * 60 * 60 * 1_000

/** Somebody who is logged in. */
export interface SessionUser {
  readonly tenantId: number
  readonly userId: number
  readonly username: string
  readonly isAdmin: boolean
}

/** Who is logged in, and how they get there. */
export class SessionRepository {
  readonly #engine: RepositoryServices['engine']
  readonly #tenantManager: RepositoryServices['tenantManager']

  constructor({ engine, tenantManager }: RepositoryServices) {
    this.#engine = engine
    this.#tenantManager = tenantManager
  }

  /** Logs a user of the tenant in, and raises User/Login. @returns the session's token, or undefined. */
  async logIn(username: string, password: string): Promise<{ token: string; userId: number } | undefined> {
    const alias = this.#tenantManager.getAlias()
    const user = await this.#engine.db
      .selectFrom('user')
      .leftJoin('userPassword', 'userPassword.userId', 'user.userId')
      .select(['user.userId', 'userPassword.passwordHash'])
      .where('user.tenantId', '=', alias.tenantId)
      .where('user.username', '=', username)
      .executeTakeFirst()
    if (!(await isPassword(password, user?.passwordHash ?? undefined)) || !user) return undefined

    const { userId } = user
    const token = generateToken()
    const expiresOn = new Date(Date.now() + SESSION_MS).toISOString()
    await this.#engine.transaction(async ({ trx, raise }) => {
      await trx.deleteFrom('session').where('expiresOn', '<=', new Date().toISOString()).execute()
      const { tenantId } = alias
      await trx
        .insertInto('session')
        .values({ tokenHash: hashOfToken(token), tenantId, userId, expiresOn })
        .execute()
      await raise(alias, EntityNames.User, userId, 'Login')
    })
    return { token, userId }
  }

  /** Ends a session, and raises User/Logout and User/Reload if there was one. */
  async logOut(token: string): Promise<void> {
    const alias = this.#tenantManager.getAlias()
    await this.#engine.transaction(async ({ trx, raise }) => {
      const ended = await trx
        .deleteFrom('session')
        .where('tokenHash', '=', hashOfToken(token))
        .where('tenantId', '=', alias.tenantId)
        .returning('userId')
        .executeTakeFirst()
      if (!ended) return
      await raise(alias, EntityNames.User, ended.userId, 'Logout')
      await raise(alias, EntityNames.User, ended.userId, SyncEventActions.Reload)
    })
  }

  /** Ends all sessions of a user. What may be done in its name has changed: an update of the user, as in Oqtane. */
  async logOutEverywhere(userId: number): Promise<void> {
    const alias = this.#tenantManager.getAlias()
    await this.#engine.transaction(async ({ trx, raise }) => {
      await trx.deleteFrom('session').where('userId', '=', userId).execute()
      await raise(alias, EntityNames.User, userId, SyncEventActions.Update)
      await raise(alias, EntityNames.User, userId, SyncEventActions.Reload)
      await raise(alias, EntityNames.User, userId, 'Logout')
    })
  }

  /** Sets a user's password, ends their sessions, and raises User/Update and User/Reload: passwords are in no captured table. */
  async setPassword(userId: number, password: string): Promise<void> {
    const alias = this.#tenantManager.getAlias()
    const passwordHash = await hashPassword(password)
    await this.#engine.transaction(async ({ trx, raise }) => {
      const user = await trx
        .selectFrom('user')
        .select('userId')
        .where('userId', '=', userId)
        .where('tenantId', '=', this.#tenantManager.tenantId)
        .executeTakeFirst()
      if (!user) throw new EntityNotFoundError(EntityNames.User, userId)
      await trx
        .insertInto('userPassword')
        .values({ userId, passwordHash })
        .onConflict((conflict) => conflict.column('userId').doUpdateSet({ passwordHash }))
        .execute()
      await trx.deleteFrom('session').where('userId', '=', userId).execute()
      await raise(alias, EntityNames.User, userId, SyncEventActions.Update)
      await raise(alias, EntityNames.User, userId, SyncEventActions.Reload)
    })
  }

  /** Whose session of this tenant a token stands for. */
  async findUser(token: string): Promise<SessionUser | undefined> {
    const { tenantId } = this.#tenantManager
    const user = await this.#engine.db
      .selectFrom('session')
      .innerJoin('user', 'user.userId', 'session.userId')
      .select(['user.userId', 'user.username'])
      .where('tokenHash', '=', hashOfToken(token))
      .where('session.tenantId', '=', tenantId)
      .where('expiresOn', '>', new Date().toISOString())
      .executeTakeFirst()
    if (!user) return undefined
    const admin = await this.#engine.db
      .selectFrom('userRole')
      .innerJoin('role', 'role.roleId', 'userRole.roleId')
      .select('userRoleId')
      .where('userRole.userId', '=', user.userId)
      .where('role.name', '=', ADMINISTRATORS)
      .executeTakeFirst()
    return { ...user, tenantId, isAdmin: admin !== undefined }
  }
}

const COOKIE = 'host_session'
const TOKEN = new RegExp(`(?:^|;)\\s*${COOKIE}=([\\w-]{43})\\s*(?:;|$)`)

/** The token of a session, from the `Cookie` header. */
export function sessionToken({ headers }: Pick<IncomingMessage, 'headers'>): string | undefined {
  return TOKEN.exec(headers.cookie ?? '')?.[1]
}

/** Gives the browser a session, out of the reach of scripts and of other sites. */
export function setSessionCookie(request: Request, response: Response, token: string): void {
  const { secure } = request
  response.cookie(COOKIE, token, { httpOnly: true, sameSite: 'lax', secure, path: '/', maxAge: SESSION_MS })
}

/** Takes it back. */
export function clearSessionCookie(request: Request, response: Response): void {
  response.clearCookie(COOKIE, { httpOnly: true, sameSite: 'lax', secure: request.secure, path: '/' })
}

const derive = promisify<string, Buffer, number, ScryptOptions, Buffer>(scrypt)

// OWASP's second choice after Argon2id, which Node has only from 24.7 on: 32 MB and some 80 ms each.
const COST = { N: 2 ** 15, r: 8, p: 3 }
const MAX_MEMORY = 64 * 1024 * 1024
const KEY_BYTES = 32

/** Hashes a password for keeping; salt and cost are part of the text. */
async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(16)
  const key = await derive(password.normalize('NFKC'), salt, KEY_BYTES, { ...COST, maxmem: MAX_MEMORY })
  return ['scrypt', COST.N, COST.r, COST.p, salt.toString('base64'), key.toString('base64')].join('$')
}

/** Whether a password is the one that was hashed. Without a hash it takes as long, and is not. */
async function isPassword(password: string, hash: string | undefined): Promise<boolean> {
  const [, n, r, p, salt, key] = (hash ?? (await nobodysHash())).split('$')
  const expected = Buffer.from(key ?? '', 'base64')
  const cost = { N: Number(n), r: Number(r), p: Number(p), maxmem: MAX_MEMORY }
  const given = await derive(
    password.normalize('NFKC'),
    Buffer.from(salt ?? '', 'base64'),
    expected.length,
    cost,
  )
  return timingSafeEqual(given, expected) && hash !== undefined
}

let kept: Promise<string> | undefined

// So that an answer takes as long for a name that does not exist.
function nobodysHash(): Promise<string> {
  kept ??= hashPassword(randomBytes(16).toString('hex'))
  return kept
}
