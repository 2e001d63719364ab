// Child processes that end when we are told to end.
import { spawn } from 'node:child_process'
import { constants } from 'node:os'
import process from 'node:process'
import { root } from './paths.mjs'

const KILL_AFTER_MS = 10_000
const PARENT_CHECK_MS = 300
const running = new Set()
let caught

/**
 * Runs a command to its end and answers its exit code, and what it wrote where that was piped to us.
 *
 * @param {string} command
 * @param {readonly string[]} args
 * @param {import('node:child_process').SpawnOptions} [options]
 * @returns {Promise<{ code: number, output: string }>}
 */
export function runChild(command, args, options = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'], ...options })
    running.add(child)
    const chunks = []
    child.stdout?.on('data', (chunk) => chunks.push(chunk))
    child.stderr?.on('data', (chunk) => chunks.push(chunk))
    child.once('error', (error) => {
      running.delete(child)
      reject(new Error(`Cannot start ${command}: ${error.message}`))
    })
    child.once('close', (code, signal) => {
      running.delete(child)
      if (caught !== undefined) process.exit(exitCodeOf(caught))
      resolve({ code: code ?? exitCodeOf(signal), output: Buffer.concat(chunks).toString() })
    })
  })
}

/** From now on, a signal to end goes to every child, and this process ends after them. */
export function forwardSignals() {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, stop)
  if (process.env.npm_lifecycle_event === undefined) return
  // npm starts us through a shell that a SIGTERM ends without a word to its children.
  const parent = process.ppid
  setInterval(() => process.ppid === parent || stop('SIGTERM'), PARENT_CHECK_MS).unref()
}

function stop(signal) {
  if (caught !== undefined) return
  caught = signal
  if (running.size === 0) process.exit(exitCodeOf(signal))
  // A terminal sends Ctrl-C to the whole group: a second copy would read as "stop at once".
  const reachedAlready = signal === 'SIGINT' && process.stdin.isTTY
  for (const child of running) if (!reachedAlready) child.kill(signal)
  setTimeout(() => {
    for (const child of running) child.kill('SIGKILL')
  }, KILL_AFTER_MS).unref()
}

function exitCodeOf(signal) {
  return 128 + (constants.signals[signal] ?? 0)
}
