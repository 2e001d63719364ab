// Two terminals may run `npm test` at once; installing and building into one folder must not overlap.
import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { setTimeout as sleep } from 'node:timers/promises'
import { stateFolder } from './paths.mjs'

// Longer than any installation or build takes; after a crash, another program may have got the number.
const STALE_AFTER_MS = 15 * 60_000

/** Runs an action while no other process of this checkout runs one. */
export async function withLock(action) {
  mkdirSync(stateFolder, { recursive: true })
  const file = join(stateFolder, 'lock')
  for (let told = false; !acquire(file); told = true) {
    if (!told) process.stderr.write('Waiting for another run to finish its installation or build ...\n')
    await sleep(200)
  }
  const release = () => rmSync(file, { force: true })
  process.once('exit', release)
  try {
    return await action()
  } finally {
    process.removeListener('exit', release)
    release()
  }
}

function acquire(file) {
  try {
    writeFileSync(file, String(process.pid), { flag: 'wx' })
    return true
  } catch (error) {
    if (error.code !== 'EEXIST') throw error
  }
  if (!isHeld(file)) rmSync(file, { force: true })
  return false
}

function isHeld(file) {
  try {
    return isAlive(Number(readFileSync(file, 'utf8'))) && Date.now() - statSync(file).mtimeMs < STALE_AFTER_MS
  } catch {
    // Released in the meantime.
    return false
  }
}

function isAlive(pid) {
  // Just created, its number not written yet.
  if (pid === 0) return true
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error.code === 'EPERM'
  }
}
