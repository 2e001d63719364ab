import { createHash, randomBytes, randomUUID } from 'node:crypto'
import { link, mkdir, open, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Kysely } from 'kysely'
import { type HostConfig, MIN_TOKEN_LENGTH } from '../config.ts'
import type { HostTables } from '../database/tables.ts'
import { generateToken } from '../people/secret-hash.ts'

/** What a node brings along, and shares with every other node of its database. */
interface Installation {
  readonly encryptionKey: string
  /** Keys that secrets may still be encrypted with. */
  readonly previousEncryptionKeys: readonly string[]
  /** Names the folder that uploaded files are in. */
  readonly storageId: string
}

/** What only hosts of one installation know. */
export interface HostSecrets extends Installation {
  /** The token of the first tenant's administrator. */
  readonly adminToken: string
}

/** Takes secrets from the configuration, and the others from the data folder, where they are made once. */
export async function readSecrets(config: HostConfig): Promise<HostSecrets> {
  const { dataDir, previousEncryptionKeys } = config
  await mkdir(dataDir, { recursive: true, mode: 0o700 })
  const kept = (name: string, generate: () => string) => keptSecret(join(dataDir, name), generate)
  const adminToken = config.adminToken ?? (await kept('admin-token', generateToken))
  // Somebody may have written the file by hand.
  if (adminToken.length < MIN_TOKEN_LENGTH) {
    throw new Error(
      `The admin token must have at least ${MIN_TOKEN_LENGTH} characters; got ${adminToken.length}. Remove ${join(dataDir, 'admin-token')} to have one made.`,
    )
  }
  return {
    adminToken,
    encryptionKey:
      config.encryptionKey ?? (await kept('encryption-key', () => randomBytes(32).toString('base64'))),
    previousEncryptionKeys,
    storageId: await kept('storage-id', randomUUID),
  }
}

/**
 * Reads a secret from a file that only this user may read; the first time, it is made and written.
 *
 * @param generate - makes a new one.
 */
async function keptSecret(path: string, generate: () => string): Promise<string> {
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

/**
 * Refuses a node that would work on the same database with another key or other files: it would send
 * no webhook, and find half of the files. The first node says what the others are compared with.
 */
export async function assertSameInstallation(
  db: Kysely<HostTables>,
  { encryptionKey, previousEncryptionKeys, storageId }: Installation,
): Promise<void> {
  const key = fingerprintOf(encryptionKey)
  const known = await agreeOn(db, 'encryptionKey', key)
  if (known !== key) {
    if (!previousEncryptionKeys.map(fingerprintOf).includes(known)) {
      throw new Error(
        'ENCRYPTION_KEY: this database belongs to hosts with another encryption key. Set ENCRYPTION_KEY to ' +
          'theirs, or HOST_DATA_DIR to the folder with it. To change the key, name the old one in ' +
          'PREVIOUS_ENCRYPTION_KEYS.',
      )
    }
    await db.updateTable('installation').set({ value: key }).where('name', '=', 'encryptionKey').execute()
  }
  if ((await agreeOn(db, 'storageId', storageId)) !== storageId) {
    throw new Error(
      'HOST_DATA_DIR: this database belongs to hosts that keep uploaded files in another folder. Set ' +
        'HOST_DATA_DIR to the folder that they share.',
    )
  }
}

async function agreeOn(db: Kysely<HostTables>, name: string, value: string): Promise<string> {
  await db
    .insertInto('installation')
    .values({ name, value })
    .onConflict((conflict) => conflict.column('name').doNothing())
    .execute()
  const kept = await db.selectFrom('installation').select('value').where('name', '=', name).execute()
  return kept[0]?.value ?? value
}

// The key is random, so that nobody finds it from this.
function fingerprintOf(encryptionKey: string): string {
  return createHash('sha256')
    .update('encryption key\n')
    .update(Buffer.from(encryptionKey, 'base64'))
    .digest('hex')
}
