import { open, readFile } from 'node:fs/promises'

/**
 * Reads a secret from a file that only this user may read; the first time, it is made and written.
 *
 * @param generate - makes a new one.
 */
export async function keptSecret(path: string, generate: () => string): Promise<string> {
  try {
    // Fails if it exists: two hosts that start at once must not end up with two secrets.
    await using file = await open(path, 'wx', 0o600)
    const secret = generate()
    await file.writeFile(`${secret}\n`)
    await file.sync()
    return secret
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
  }
  const secret = (await readFile(path, 'utf8')).trim()
  if (secret === '') throw new Error(`${path} is empty; remove it to have a new secret made.`)
  return secret
}
