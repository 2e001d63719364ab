import { createHash } from 'node:crypto'
import type { Kysely } from 'kysely'
import type { HostTables } from './tables.ts'

/** What a node brings along, and shares with every other node of its database. */
export interface Installation {
  readonly encryptionKey: string
  /** Keys that secrets may still be encrypted with. */
  readonly previousEncryptionKeys: readonly string[]
  /** Names the folder that uploaded files are in. */
  readonly storageId: string
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
