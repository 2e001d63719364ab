import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { temporaryFolder } from './temporary-folder.ts'

/**
 * A SQLite file that is filled once, since its making takes longer than most tests.
 *
 * @param fill - makes the file, and closes it.
 * @returns a function that writes a copy of it.
 */
export function sqliteTemplate(fill: (file: string) => Promise<void>): (copy: string) => Promise<void> {
  let template: Promise<Buffer> | undefined

  async function make(): Promise<Buffer> {
    await using folder = await temporaryFolder()
    const file = join(folder.path, 'host.db')
    await fill(file)
    return readFile(file)
  }

  return async (copy) => {
    template ??= make().catch((error: unknown) => {
      template = undefined
      throw error
    })
    await writeFile(copy, await template)
  }
}
