import { timingSafeEqual } from 'node:crypto'
import type { EventEngine } from '@x/events-engine'
import type { Kysely } from 'kysely'
import { z } from 'zod'
import type { HostTables } from '../database/tables.ts'
import { EntityConflictError } from '../entity/errors.ts'
import { entityId, line } from '../entity/fields.ts'
import { ProblemError } from '../http/problems.ts'
import { route } from '../http/route.ts'
import { generateToken, hashOfToken } from './secret-hash.ts'

/** Whom a token stands for. */
export interface TokenHolder {
  readonly tenantId: number
  readonly name: string
}

/** What may be shown of a token. */
const tokenSchema = z.object({
  tokenId: entityId,
  name: z.string(),
  createdOn: z.iso.datetime(),
  /** Null for one that does not expire. */
  expiresOn: z.iso.datetime().nullable(),
})

/** A token that was just made: this is the only time that it is shown. */
const newTokenSchema = z.object({ ...tokenSchema.shape, token: z.string() })

type TokenInfo = z.infer<typeof tokenSchema>
type NewToken = z.infer<typeof newTokenSchema>

/** The tokens that administer tenants. A token tells its tenant, so that this is bound to none. */
export class TokenRepository {
  readonly #engine: EventEngine<HostTables>

  constructor({ engine }: { engine: EventEngine<HostTables> }) {
    this.#engine = engine
  }

  async findHolder(token: string): Promise<TokenHolder | undefined> {
    const tokenHash = hashOfToken(token)
    const found = await this.#engine.db
      .selectFrom('accessToken')
      .select(['tenantId', 'name', 'tokenHash', 'expiresOn'])
      .where('tokenHash', '=', tokenHash)
      .executeTakeFirst()
    // An index answers sooner the sooner it differs; that tells about hashes, from which no token
    // can be made. The last word has a comparison that takes the same time whatever it is given.
    if (!found || !timingSafeEqual(Buffer.from(found.tokenHash), Buffer.from(tokenHash))) return undefined
    if (found.expiresOn !== null && found.expiresOn <= now()) return undefined
    return { tenantId: found.tenantId, name: found.name }
  }

  /** The tokens of a tenant that are still good. */
  async getTokens(tenantId: number): Promise<TokenInfo[]> {
    return this.#engine.db
      .selectFrom('accessToken')
      .select(['tokenId', 'name', 'createdOn', 'expiresOn'])
      .where('tenantId', '=', tenantId)
      .where((where) => where.or([where('expiresOn', 'is', null), where('expiresOn', '>', now())]))
      .orderBy('tokenId')
      .execute()
  }

  /** Adds a token of a name of its own. */
  async addToken(holder: TokenHolder): Promise<NewToken> {
    return this.#engine.transaction(async ({ trx }) => {
      const taken = await trx
        .selectFrom('accessToken')
        .select('tokenId')
        .where('tenantId', '=', holder.tenantId)
        .where('name', '=', holder.name)
        .executeTakeFirst()
      if (taken)
        throw new EntityConflictError('There is a token of that name; rotate it, or choose another name.')
      return insertToken(trx, holder, generateToken())
    })
  }

  /** Makes a new token of a name. Those it had stay good for so long, unless they end sooner. */
  async rotateToken({ tenantId, name }: TokenHolder, overlapSeconds: number): Promise<NewToken> {
    const expiresOn = new Date(Date.now() + overlapSeconds * 1_000).toISOString()
    return this.#engine.transaction(async ({ trx }) => {
      await trx
        .updateTable('accessToken')
        .set({ expiresOn })
        .where('tenantId', '=', tenantId)
        .where('name', '=', name)
        .where((where) => where.or([where('expiresOn', 'is', null), where('expiresOn', '>', expiresOn)]))
        .execute()
      return insertToken(trx, { tenantId, name }, generateToken())
    })
  }

  /** Ends a token at once. Its row stays, so that a host which is still started with it does not revive it. */
  async endToken(tenantId: number, tokenId: number): Promise<boolean> {
    const { numUpdatedRows } = await this.#engine.db
      .updateTable('accessToken')
      .set({ expiresOn: now() })
      .where('tenantId', '=', tenantId)
      .where('tokenId', '=', tokenId)
      .executeTakeFirst()
    return numUpdatedRows > 0n
  }

  /**
   * Sees to it that a name has a token that was chosen elsewhere; those it had before are worth nothing from
   * then on. One that it has, or had until it was rotated, changes nothing.
   */
  async setToken(holder: TokenHolder, token: string): Promise<void> {
    const { tenantId, name } = holder
    await this.#engine.transaction(async ({ trx }) => {
      const known = await trx
        .selectFrom('accessToken')
        .select('tokenId')
        .where('tokenHash', '=', hashOfToken(token))
        .executeTakeFirst()
      if (known) return
      await trx.deleteFrom('accessToken').where('tenantId', '=', tenantId).where('name', '=', name).execute()
      await insertToken(trx, holder, token)
    })
  }
}

async function insertToken(
  trx: Kysely<HostTables>,
  { tenantId, name }: TokenHolder,
  token: string,
): Promise<NewToken> {
  const added = await trx
    .insertInto('accessToken')
    .values({ tenantId, name, tokenHash: hashOfToken(token), createdOn: now(), expiresOn: null })
    // Nodes that start at once with the same token.
    .onConflict((conflict) => conflict.column('tokenHash').doUpdateSet({ name }))
    .returning(['tokenId', 'name', 'createdOn', 'expiresOn'])
    .executeTakeFirstOrThrow()
  return { ...added, token }
}

const now = () => new Date().toISOString()

const DAY_SECONDS = 24 * 60 * 60
const administrators = { tag: 'Token', audience: 'administrators' } as const

/** The tokens of the tenant. None is shown but when it is made: only their hashes are kept. */
export const tokenRoutes = [
  route({
    ...administrators,
    method: 'get',
    path: '/api/Token',
    summary: 'The tokens that are good, without their text',
    output: z.array(tokenSchema),
    handle: ({ services: { tokenRepository, tenantManager } }) =>
      tokenRepository.getTokens(tenantManager.tenantId),
  }),
  route({
    ...administrators,
    method: 'post',
    path: '/api/Token',
    summary: 'Makes a token; its text is shown this once',
    input: z.object({ name: line(100).min(1) }),
    status: 201,
    output: newTokenSchema,
    alsoAnswers: [409],
    handle: ({ services: { tokenRepository, tenantManager }, input: { name } }) =>
      tokenRepository.addToken({ tenantId: tenantManager.tenantId, name }),
  }),
  route({
    ...administrators,
    method: 'post',
    path: '/api/Token/rotate',
    summary: 'Makes a token anew; the one before stays good for a while',
    input: z
      .object({
        /** Whose token is rotated; the one that the request came with when left out. */
        name: line(100).min(1).optional(),
        /** How long the tokens before it stay good. */
        overlapSeconds: z
          .int()
          .min(0)
          .max(7 * DAY_SECONDS)
          .default(DAY_SECONDS),
      })
      .prefault({}),
    status: 201,
    output: newTokenSchema,
    alsoAnswers: [404],
    async handle({ services: { tokenRepository, tenantManager }, input, request }) {
      const { tenantId } = tenantManager
      const { name = request.caller?.name ?? '', overlapSeconds } = input
      const known = await tokenRepository.getTokens(tenantId)
      if (!known.some((token) => token.name === name))
        throw new ProblemError(404, 'There is no token of that name.')
      return tokenRepository.rotateToken({ tenantId, name }, overlapSeconds)
    },
  }),
  route({
    ...administrators,
    method: 'delete',
    path: '/api/Token/:id',
    summary: 'Ends a token at once',
    status: 204,
    async handle({ services: { tokenRepository, tenantManager }, id }) {
      if (await tokenRepository.endToken(tenantManager.tenantId, id)) return
      throw new ProblemError(404, `There is no token with the id ${id}.`)
    },
  }),
]
