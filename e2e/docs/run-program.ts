import { spawn } from 'node:child_process'

// A database that is compiled first, on a busy machine, takes its time.
const TIMEOUT_MS = 150_000

/** Runs an example as a reader would, but on the sources of the packages. */
export async function runProgram(
  file: string,
  cwd: string,
): Promise<{ code: number | null; output: string }> {
  const child = spawn(process.execPath, ['--conditions=@x/source', file], {
    cwd,
    env: { ...process.env, NODE_OPTIONS: '', VITEST: undefined, WEBHOOK_ENCRYPTION_KEY: 'ab'.repeat(32) },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const chunks: Buffer[] = []
  child.stdout.on('data', (chunk) => chunks.push(chunk))
  child.stderr.on('data', (chunk) => chunks.push(chunk))
  const timer = setTimeout(() => {
    chunks.push(Buffer.from(`\nstill running after ${TIMEOUT_MS} ms: end it in an <!-- after comment\n`))
    child.kill('SIGKILL')
  }, TIMEOUT_MS)
  try {
    const code = await new Promise<number | null>((resolve, reject) =>
      child.once('error', reject).once('close', resolve),
    )
    return { code, output: Buffer.concat(chunks).toString() }
  } finally {
    clearTimeout(timer)
  }
}
