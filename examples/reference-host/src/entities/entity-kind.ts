import { SyncEventActions } from '@x/events-core'
import type { ZodObject, ZodType } from 'zod'
import type { AlsoRaised, EntityTable, OwnedRow } from '../repositories/entity-repository.ts'

/** A kind of entity that needs no repository and no routes of its own: everything about it, in one place. */
export interface EntityKind<TEntity extends OwnedRow, TInput> extends EntityTable<TEntity, TInput> {
  /** What the API answers, and what events carry unless `data` says less. */
  readonly schema: ZodObject
  readonly input: ZodType<TInput>
  /** Whether everybody may read, as visitors of a site do. */
  readonly isPublic: boolean
  /** The columns that events carry, where some are private. */
  readonly data?: readonly (keyof TEntity & string)[]
}

/** Says that a kind's parts fit together. */
export function entityKind<TEntity extends OwnedRow, TInput>(
  kind: EntityKind<TEntity, TInput>,
): EntityKind<TEntity, TInput> {
  return kind
}

/** Clients show something else now: the pages of the site are to be fetched again. */
export function refreshSite({ siteId }: OwnedRow): AlsoRaised {
  return ['Site', siteId, SyncEventActions.Refresh]
}
