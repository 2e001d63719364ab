import { type ZodType, z } from 'zod'
import { type Route, route } from '../http/route.ts'
import type { Entity, Operation } from './define-entity.ts'

/** The five routes of an entity, or those of them that it has. */
export function entityRoutes(entity: Entity): Route[] {
  const { name, key, schema, input, isPublic, operations } = entity
  const path = `/api/${name}`
  const one = `${path}/:id`
  const reading = { tag: name, audience: isPublic ? 'everybody' : 'administrators' } as const
  const writing = { tag: name, audience: 'administrators' } as const
  const output: ZodType = schema
  const routes: Readonly<Record<Operation, Route>> = {
    list: {
      ...reading,
      method: 'get',
      path,
      summary: `Lists: ${name}`,
      output: z.array(output),
      handle: ({ services }) => services.repositoryOf(entity).list(),
    },
    get: {
      ...reading,
      method: 'get',
      path: one,
      summary: `Reads: ${name}`,
      output,
      handle: ({ services, id }) => services.repositoryOf(entity).require(id),
    },
    update: route({
      ...writing,
      method: 'put',
      path: one,
      summary: `Changes: ${name}`,
      input,
      output,
      alsoAnswers: [409],
      handle: ({ services, id, input: sent }) => services.repositoryOf(entity).update(id, sent),
    }),
    add: route({
      ...writing,
      method: 'post',
      path,
      summary: `Adds: ${name}`,
      input,
      status: 201,
      output,
      alsoAnswers: [404, 409],
      async handle({ services, input: sent, response }) {
        const added = await services.repositoryOf(entity).add(sent)
        response.location(`${path}/${added[key]}`)
        return added
      },
    }),
    remove: {
      ...writing,
      method: 'delete',
      path: one,
      summary: `Removes: ${name}`,
      status: 204,
      alsoAnswers: [409],
      handle: ({ services, id }) => services.repositoryOf(entity).remove(id),
    },
  }
  return operations.map((operation) => routes[operation])
}
