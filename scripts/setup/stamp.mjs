// A stamp says what the result of a step was made from, so that the step is skipped while that has not changed.
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { root } from './paths.mjs'

const NEVER_SOURCE = new Set(['node_modules', 'dist', '.types', '.toolchain', '.git'])

/**
 * Files below a folder, without what is installed or generated.
 *
 * @param {string} folder
 * @returns {string[]}
 */
export function filesBelow(folder) {
  if (!existsSync(folder)) return []
  const files = []
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (NEVER_SOURCE.has(entry.name)) continue
    const path = join(folder, entry.name)
    if (entry.isDirectory()) files.push(...filesBelow(path))
    else if (entry.isFile()) files.push(path)
  }
  return files
}

/** A hash over the names and contents of files, and over other values that the result depends on. */
export function hashOf(files, ...values) {
  const hash = createHash('sha256')
  for (const file of [...files].sort()) {
    const content = readFileSync(file)
    hash.update(`${relative(root, file)}\0${content.length}\0`).update(content)
  }
  for (const value of values) hash.update(`${value}\0`)
  return hash.digest('hex')
}

/** Content of a stamp, or undefined where the step has not succeeded yet. */
export function readStamp(file) {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
}

export function writeStamp(file, content) {
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, content)
}

/** To call before a step: an interrupted step must not look like a finished one. */
export function removeStamp(file) {
  rmSync(file, { force: true })
}
