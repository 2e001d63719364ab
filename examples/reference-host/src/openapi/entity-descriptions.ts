import { type ZodObject, type ZodType, z } from 'zod'
import { fileInput } from '../domain/file.ts'
import { folderInput } from '../domain/folder.ts'
import { pageInput } from '../domain/page.ts'
import { siteInput } from '../domain/site.ts'
import { tenantInput } from '../domain/tenant.ts'
import { userInput } from '../domain/user.ts'
import { entityKinds } from '../entities/entity-kinds.ts'
import type { RouteDescription } from './describe-route.ts'
import {
  fileSchema,
  folderSchema,
  pageSchema,
  siteSchema,
  tenantSchema,
  userSchema,
} from './entity-schemas.ts'

interface DescribedEntity {
  readonly entityName: string
  readonly schema: ZodObject
  readonly input: ZodType
  readonly isPublic: boolean
  /** Whether it is added and removed by the usual routes. */
  readonly comesAndGoes?: { readonly add: boolean; readonly remove: boolean }
}

const entities: readonly DescribedEntity[] = [
  { entityName: 'Site', schema: siteSchema, input: siteInput, isPublic: true },
  { entityName: 'Folder', schema: folderSchema, input: folderInput, isPublic: true },
  { entityName: 'Page', schema: pageSchema, input: pageInput, isPublic: true },
  { entityName: 'User', schema: userSchema, input: userInput, isPublic: false },
  {
    entityName: 'File',
    schema: fileSchema,
    input: fileInput,
    isPublic: true,
    comesAndGoes: { add: false, remove: true },
  },
  {
    entityName: 'Tenant',
    schema: tenantSchema,
    input: tenantInput,
    isPublic: false,
    comesAndGoes: { add: false, remove: false },
  },
  ...entityKinds,
]

function describe(entity: DescribedEntity): RouteDescription[] {
  const { entityName, schema, input, isPublic, comesAndGoes = { add: true, remove: true } } = entity
  const path = `/api/${entityName}`
  const tag = entityName
  const reading = { tag, audience: isPublic ? 'everybody' : 'administrators' } as const
  const writing = { tag, audience: 'administrators' } as const
  return [
    { ...reading, method: 'get', path, summary: `Lists: ${entityName}`, output: z.array(schema) },
    { ...reading, method: 'get', path: `${path}/:id`, summary: `Reads: ${entityName}`, output: schema },
    {
      ...writing,
      method: 'put',
      path: `${path}/:id`,
      summary: `Changes: ${entityName}`,
      input,
      output: schema,
      alsoAnswers: [409],
    },
    ...(comesAndGoes.add
      ? [
          {
            ...writing,
            method: 'post',
            path,
            summary: `Adds: ${entityName}`,
            input,
            status: 201,
            output: schema,
            alsoAnswers: [404, 409],
          } as const,
        ]
      : []),
    ...(comesAndGoes.remove
      ? [
          {
            ...writing,
            method: 'delete',
            path: `${path}/:id`,
            summary: `Removes: ${entityName}`,
            status: 204,
            alsoAnswers: [409],
          } as const,
        ]
      : []),
  ]
}

/** The routes that every entity has. */
export const entityDescriptions: readonly RouteDescription[] = entities.flatMap(describe)
