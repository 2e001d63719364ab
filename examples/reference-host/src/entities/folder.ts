import { sql } from 'kysely'
import { defineEntity, type Writing } from '../entity/define-entity.ts'
import { EntityConflictError, EntityNotFoundError } from '../entity/errors.ts'
import { nullable, refersTo, text } from '../entity/fields.ts'
import { fileName } from './file-name.ts'

/** Where a site keeps files. The root folder of a site has no parent, and comes and goes with the site. */
export const folder = defineEntity({
  name: 'Folder',
  noun: 'A folder',
  scope: 'site',
  migration: '0004-folder',
  fields: { parentId: nullable(refersTo('Folder')), name: text(fileName) },
  // One root folder for each site: a unique column would let any number of nulls through.
  unique: ['siteId', sql`coalesce("parentId", 0)`, 'name'],
  taken: 'The folder already has one of that name.',
  used: 'The folder is not empty.',
  site: 'chosen',
  isPublic: true,
  isSynchronized: true,
  example: { folderId: 3, tenantId: 1, siteId: 1, parentId: 1, name: 'Reports' },
  async columns({ parentId, siteId }, writing, before) {
    // A folder stays where it is: what it holds would have to move along.
    if (before) return { parentId: before.parentId, siteId: before.siteId }
    return { parentId: parentId ?? (await requireRootFolder(writing, siteId)) }
  },
  async removing({ parentId }) {
    if (parentId === null) throw new EntityConflictError('A site keeps its root folder.')
  },
})

declare module '../entity/define-entity.ts' {
  interface Entities {
    Folder: typeof folder
  }
}

/**
 * The root folder of one of the tenant's sites.
 *
 * @param site - the one that the request came in by when left out.
 * @throws EntityNotFoundError
 */
export async function requireRootFolder(
  { trx, tenantId, siteId }: Writing,
  site: number = siteId,
): Promise<number> {
  const found = await trx
    .selectFrom('folder')
    .select('folderId')
    .where('parentId', 'is', null)
    .where('siteId', '=', site)
    .where('tenantId', '=', tenantId)
    .executeTakeFirst()
  if (!found) throw new EntityNotFoundError('Site', site)
  return found.folderId
}
