import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { folderOfTests } from './folder-of-tests.ts'

/** A folder of a test's own, removed with everything in it when the test lets go of it. */
export interface TemporaryFolder extends AsyncDisposable {
  readonly path: string
}

/** Creates an empty folder: `await using folder = await temporaryFolder()`. */
export async function temporaryFolder(): Promise<TemporaryFolder> {
  const path = await mkdtemp(join(folderOfTests(), 'x-events-'))
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) }
}
