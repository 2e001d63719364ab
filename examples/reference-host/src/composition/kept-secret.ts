import { randomUUID } from 'node:crypto'
import { link, open, readFile, rm } from 'node:fs/promises'

/**
 * Reads a secret from a file that only this user may read; the first time, it is made and written.
 *
 * @param generate - makes a new one.
 */
export async function keptSecret(path: string, generate: () => string): Promise<string> {
  const kept = await readSecret(path)
  if (kept !== undefined) return kept
  const secret = generate()
  // Written whole before it has its name: hosts that start at once on one folder end up with one
  // secret, and none of them reads half of it.
  const draft = `${path}.${randomUUID()}`
  try {
    {
      await using file = await open(draft, 'wx', 0o600)
      await file.writeFile(`${secret}\n`)
      await file.sync()
    }
    await link(draft, path)
    return secret
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
    return (await readSecret(path)) ?? secret
  } finally {
    await rm(draft, { force: true })
  }
}

async function readSecret(path: string): Promise<string | undefined> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
  if (text.trim() === '') throw new Error(`${path} is empty; remove it to have a new secret made.`)
  return text.trim()
}
