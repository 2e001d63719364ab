import { Router } from 'express'
import { z } from 'zod'
import { line } from '../domain/input.ts'
import { requireAdmin } from '../http/authorize.ts'
import { ProblemError } from '../http/problem.ts'
import { readId } from '../http/read-id.ts'

const DAY_SECONDS = 24 * 60 * 60

export const tokenInput = z.object({ name: line(100).min(1) })

/** `name`: whose token is rotated; the one that the request came with when left out. */
export const rotationInput = z.object({
  name: line(100).min(1).optional(),
  /** How long the tokens before it stay good. */
  overlapSeconds: z
    .int()
    .min(0)
    .max(7 * DAY_SECONDS)
    .default(DAY_SECONDS),
})

/** The tokens of the tenant. None is shown but when it is made: only their hashes are kept. */
export const tokenRoutes: Router = Router()

tokenRoutes.use(requireAdmin)
tokenRoutes.get('/', async (request, response) => {
  const { tokenRepository, tenantManager } = request.services
  response.json(await tokenRepository.getTokens(tenantManager.tenantId))
})
tokenRoutes.post('/', async (request, response) => {
  const { tokenRepository, tenantManager } = request.services
  const { name } = tokenInput.parse(request.body)
  const added = await tokenRepository.addToken({ tenantId: tenantManager.tenantId, name })
  response.status(201).json(added)
})
tokenRoutes.post('/rotate', async (request, response) => {
  const { tokenRepository, tenantManager } = request.services
  const { name = request.caller?.name ?? '', overlapSeconds } = rotationInput.parse(request.body ?? {})
  const known = await tokenRepository.getTokens(tenantManager.tenantId)
  if (!known.some((token) => token.name === name))
    throw new ProblemError(404, 'There is no token of that name.')
  const added = await tokenRepository.rotateToken({ tenantId: tenantManager.tenantId, name }, overlapSeconds)
  response.status(201).json(added)
})
tokenRoutes.delete('/:id', async (request, response) => {
  const { tokenRepository, tenantManager } = request.services
  const id = readId(request.params['id'])
  if (!(await tokenRepository.endToken(tenantManager.tenantId, id))) {
    throw new ProblemError(404, `There is no token with the id ${id}.`)
  }
  response.status(204).end()
})
