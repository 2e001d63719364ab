import { EntityNames } from '@x/events-core'
import { Router } from 'express'
import type { ZodType } from 'zod'
import type { Services } from '../composition/services.ts'
import { EntityNotFoundError } from '../domain/errors.ts'
import { requireAdmin } from '../http/authorize.ts'
import { readId } from '../http/read-id.ts'

/** How the API reaches one kind of entity. Without `add` or `remove`, it comes and goes in ways of its own. */
export interface EntityAccess<TEntity, TInput> {
  readonly entityName: keyof typeof EntityNames
  /** What may be sent; what else a client sends along, such as an id, is left aside. */
  readonly input: ZodType<TInput>
  /** Whether everybody may read, as visitors of a site do; only admins may write in any case. */
  readonly isPublic: boolean
  idOf(entity: TEntity): number
  list(services: Services): Promise<TEntity[]>
  get(services: Services, id: number): Promise<TEntity | undefined>
  add?(services: Services, input: TInput): Promise<TEntity>
  update(services: Services, id: number, input: TInput): Promise<TEntity>
  remove?(services: Services, id: number): Promise<void>
}

/** The five routes that every entity has. That only admins write is seen to for the whole API. */
export function entityRoutes<TEntity, TInput>(access: EntityAccess<TEntity, TInput>): Router {
  const { entityName, input, add, remove } = access
  const router = Router()
  const mayRead = access.isPublic ? [] : [requireAdmin]

  router.get('/', ...mayRead, async (request, response) => {
    response.json(await access.list(request.services))
  })
  router.get('/:id', ...mayRead, async (request, response) => {
    const id = readId(request.params['id'])
    const entity = await access.get(request.services, id)
    if (!entity) throw new EntityNotFoundError(EntityNames[entityName], id)
    response.json(entity)
  })
  if (add) {
    router.post('/', async (request, response) => {
      const entity = await add(request.services, input.parse(request.body))
      response
        .status(201)
        .location(`${request.baseUrl}/${access.idOf(entity)}`)
        .json(entity)
    })
  }
  router.put('/:id', async (request, response) => {
    const id = readId(request.params['id'])
    response.json(await access.update(request.services, id, input.parse(request.body)))
  })
  if (remove) {
    router.delete('/:id', async (request, response) => {
      await remove(request.services, readId(request.params['id']))
      response.status(204).end()
    })
  }
  return router
}
