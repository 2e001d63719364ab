import { parseArgs } from 'node:util'
import { type CliIo, UsageError } from './cli-io.ts'
import { explain } from './explain.ts'
import { bytesOf, parseHeaders, secretsOf } from './inputs.ts'

const options = {
  secret: { type: 'string', multiple: true },
  body: { type: 'string' },
  headers: { type: 'string' },
  header: { type: 'string', multiple: true },
} as const

/** Says whether a captured request verifies, and what is wrong with it; 0 when nothing is. */
export async function verify(args: readonly string[], io: CliIo): Promise<number> {
  const { values } = parseArgs({ args: [...args], options })
  const secrets = secretsOf(values.secret, io)
  if (values.body === undefined) throw new UsageError('give --body with the file that the body is in')
  if (values.headers === undefined && values.header === undefined) {
    throw new UsageError('give --headers with the file that the headers are in, or each with --header')
  }
  const fromFile = values.headers === undefined ? '' : (await bytesOf(values.headers)).toString('utf8')
  const headers = { ...parseHeaders(fromFile), ...parseHeaders((values.header ?? []).join('\n')) }
  const body = await bytesOf(values.body)
  const { verifies, lines } = explain({ headers, body }, secrets, Math.floor(Date.now() / 1000))
  io.write(`${lines.join('\n')}\n`)
  return verifies ? 0 : 1
}
