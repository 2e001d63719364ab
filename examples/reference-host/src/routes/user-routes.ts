import { Router } from 'express'
import { z } from 'zod'
import { type User, userInput } from '../domain/user.ts'
import { requireAdmin } from '../http/authorize.ts'
import { ProblemError } from '../http/problem.ts'
import { readId } from '../http/read-id.ts'
import { entityRoutes } from './entity-routes.ts'

/** Long enough that none is guessed, short enough that none costs much to hash. */
export const passwordInput = z.object({ password: z.string().min(12).max(200) })

export const userRoutes: Router = Router()

userRoutes.get('/current', async (request, response) => {
  const { user, services } = request
  const found = user && (await services.userRepository.getUser(user.userId))
  if (!found) throw new ProblemError(401, 'Nobody is logged in. POST /api/User/login logs in.')
  response.json(found)
})
userRoutes.put('/:id/password', requireAdmin, async (request, response) => {
  const id = readId(request.params['id'])
  const { password } = passwordInput.parse(request.body)
  await request.services.sessionRepository.setPassword(id, password)
  response.status(204).end()
})

const entities = entityRoutes({
  entityName: 'User',
  input: userInput,
  isPublic: false,
  idOf: (user: User) => user.userId,
  list: ({ userRepository }) => userRepository.getUsers(),
  get: ({ userRepository }, id) => userRepository.getUser(id),
  add: ({ userRepository }, input) => userRepository.addUser(input),
  update: ({ userRepository }, id, input) => userRepository.updateUser(id, input),
  remove: ({ userRepository }, id) => userRepository.deleteUser(id),
})
userRoutes.use(entities)
