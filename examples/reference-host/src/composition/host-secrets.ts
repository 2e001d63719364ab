import { randomBytes, randomUUID } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { type HostConfig, MIN_TOKEN_LENGTH } from '../config.ts'
import type { Installation } from '../database/same-installation.ts'
import { generateToken } from '../repositories/secret-hash.ts'
import { keptSecret } from './kept-secret.ts'

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
