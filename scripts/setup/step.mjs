import process from 'node:process'
import { runChild } from './child-process.mjs'

/** Runs a command in the foreground and answers its exit code. */
export async function runShown(command, args, env) {
  const { code } = await runChild(command, args, { env, stdio: 'inherit' })
  return code
}

/** Runs a command behind one line that tells its time; what it wrote is shown only when it fails. */
export async function runQuietly(title, command, args, options = {}) {
  const startedAt = Date.now()
  process.stderr.write(`${title} ... `)
  const { code, output } = await runChild(command, args, options)
  const seconds = ((Date.now() - startedAt) / 1000).toFixed(1)
  if (code === 0) {
    process.stderr.write(`${seconds} s\n`)
    return
  }
  process.stderr.write(`failed after ${seconds} s\n${output}\n`)
  process.exit(code)
}
