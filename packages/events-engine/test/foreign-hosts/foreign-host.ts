import type { ForeignTransaction } from '../../src/index.ts'

/** What a host does in a transaction of its library. */
export interface ForeignWork {
  /** For `addSyncEvent`. */
  readonly trx: ForeignTransaction
  /** Writes a row of the host's, in the library's own way. */
  insertPage(pageId: number, name: string): Promise<void>
  /** Runs work in a savepoint; what it throws rolls the savepoint back and is passed on. */
  nested(work: (inner: ForeignWork) => Promise<void>): Promise<void>
}

/** A host that keeps its table with another library than Kysely. */
export interface ForeignHost extends AsyncDisposable {
  transaction(work: (outer: ForeignWork) => Promise<void>): Promise<void>
}

/** Connects a library to a database that has the table `page`. */
export type OpenForeignHost = (url: string) => ForeignHost
