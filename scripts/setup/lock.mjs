// Two terminals may run `npm test` at once; installing and building into one folder must not overlap.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { setTimeout as sleep } from 'node:timers/promises'
import { stateFolder } from './paths.mjs'

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
  if (!isAlive(readHolder(file))) rmSync(file, { force: true })
  return false
}

function readHolder(file) {
  try {
    return Number(readFileSync(file, 'utf8'))
  } catch {
    return Number.NaN
  }
}

function isAlive(pid) {
  // Just created, its number not written yet.
  if (pid === 0) return true
  if (Number.isNaN(pid)) return false
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error.code === 'EPERM'
  }
}
