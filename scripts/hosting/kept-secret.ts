import { readFile, writeFile } from 'node:fs/promises'

/** Reads a secret from a file that only this user may read; the first time, it is made and written. */
export async function keptSecret(path: string, generate: () => string): Promise<string> {
  try {
    return (await readFile(path, 'utf8')).trim()
  } catch {
    const secret = generate()
    await writeFile(path, `${secret}\n`, { mode: 0o600, flag: 'wx' })
    return secret
  }
}
