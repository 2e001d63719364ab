// Child processes: run with their output shown, or quietly behind one progress line.
import { spawn } from 'node:child_process'
import { constants } from 'node:os'
import process from 'node:process'
import { root } from './paths.mjs'

const KILL_AFTER_MS = 10_000
const PARENT_CHECK_MS = 300
const running = new Set()
let caught

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, stop)

// npm starts us through a shell that a SIGTERM ends without a word to its children.
if (process.env.npm_lifecycle_event !== undefined) {
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

function run(command, args, options) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: root, ...options })
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

/** Runs a command in the foreground and answers its exit code. */
export async function runShown(command, args, env) {
  const { code } = await run(command, args, { env, stdio: 'inherit' })
  return code
}

/** Runs a command behind one line that tells its time; what it wrote is shown only when it fails. */
export async function runQuietly(title, command, args, options = {}) {
  const startedAt = Date.now()
  process.stderr.write(`${title} ... `)
  const { code, output } = await run(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] })
  const seconds = ((Date.now() - startedAt) / 1000).toFixed(1)
  if (code === 0) {
    process.stderr.write(`${seconds} s\n`)
    return
  }
  process.stderr.write(`failed after ${seconds} s\n${output}\n`)
  process.exit(code)
}
