import type { Router } from 'express'
import type { Services } from '../composition/services.ts'
import type { EntityKind } from '../entities/entity-kind.ts'
import type { OwnedRow } from '../repositories/entity-repository.ts'
import { entityRoutes } from './entity-routes.ts'

/** The five routes of an entity that needs nothing of its own. */
export function kindRoutes<TEntity extends OwnedRow, TInput>(kind: EntityKind<TEntity, TInput>): Router {
  const rows = ({ entityRepository }: Services) => entityRepository(kind)
  return entityRoutes<TEntity, TInput>({
    entityName: kind.entityName,
    input: kind.input,
    isPublic: kind.isPublic,
    idOf: (entity) => entity[kind.key] as number,
    list: (services) => rows(services).list(),
    get: (services, id) => rows(services).get(id),
    add: (services, input) => rows(services).add(input),
    update: (services, id, input) => rows(services).update(id, input),
    remove: (services, id) => rows(services).remove(id),
  })
}
