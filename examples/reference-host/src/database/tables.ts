import type { Generated } from 'kysely'
import type { Entities, KeyOf, RowOfEntity } from '../entity/define-entity.ts'

// The table of an entity: `pageModule` of `PageModule`.
type EntityTables = {
  readonly [TName in keyof Entities as Uncapitalize<TName>]: Numbered<
    RowOfEntity<Entities[TName]>,
    KeyOf<TName>
  >
}

type Numbered<TRow, TKey extends string> = Omit<TRow, TKey> & Record<TKey, Generated<number>>

/** A person or program that may administer one tenant. */
interface AccessTokenTable {
  readonly tokenId: Generated<number>
  readonly tenantId: number
  readonly name: string
  /** Hexadecimal SHA-256: whoever reads the database cannot use it. */
  readonly tokenHash: string
  readonly createdOn: string
  /** Null for one that does not expire. */
  readonly expiresOn: string | null
}

interface UserPasswordTable {
  readonly userId: number
  readonly passwordHash: string
}

/** Somebody who is logged in. */
interface SessionTable {
  readonly tokenHash: string
  readonly tenantId: number
  readonly userId: number
  readonly expiresOn: string
}

/** One file handed out, as the subscriber noted it. */
interface FileDownloadTable {
  /** The event that told of it: noted twice, it is one row. */
  readonly eventId: string
  readonly tenantId: number
  readonly fileId: number
  readonly fileName: string
  readonly downloadedOn: string
}

/** Which row of a secondary site is the copy of which row of the primary site of its group. */
interface SiteCopyTable {
  readonly tenantId: number
  readonly entityName: string
  readonly primarySiteId: number
  readonly primaryId: number
  /** The secondary site. */
  readonly siteId: number
  readonly copyId: number
}

/** What all nodes agree on. */
interface InstallationTable {
  readonly name: string
  readonly value: string
}

/** The host's tables: those of its entities and its own. Those of the event engine and the webhook sender lie beside them. */
export interface HostTables extends EntityTables {
  readonly file: EntityTables['file'] & { readonly storageKey: string }
  readonly userPassword: UserPasswordTable
  readonly session: SessionTable
  readonly accessToken: AccessTokenTable
  readonly fileDownload: FileDownloadTable
  readonly siteCopy: SiteCopyTable
  readonly installation: InstallationTable
}
