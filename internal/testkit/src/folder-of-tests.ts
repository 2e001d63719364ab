import { accessSync, constants, statfsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import process from 'node:process'

const MEMORY = '/dev/shm'
const PLENTY_BYTES = 2 * 1024 ** 3

/**
 * The folder in which tests make theirs: in memory where there is plenty, because making and syncing
 * thousands of small files would be a third of their time, and none of them cuts the power.
 * `TEST_FOLDER` names another.
 */
export function folderOfTests(): string {
  return process.env['TEST_FOLDER'] ?? (hasPlentyOfMemory() ? MEMORY : tmpdir())
}

function hasPlentyOfMemory(): boolean {
  try {
    accessSync(MEMORY, constants.W_OK)
    const { bavail, bsize } = statfsSync(MEMORY)
    return bavail * bsize >= PLENTY_BYTES && process.availableMemory() >= 2 * PLENTY_BYTES
  } catch {
    return false
  }
}
