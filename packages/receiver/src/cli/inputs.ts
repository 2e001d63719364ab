import { readFile } from 'node:fs/promises'
import process from 'node:process'
import { buffer } from 'node:stream/consumers'
import { type CliIo, UsageError } from './cli-io.ts'

/** The secrets that a command was given, or the one of the environment. */
export function secretsOf(given: readonly string[] | undefined, io: CliIo): readonly string[] {
  const secrets = given ?? [io.env['WEBHOOK_SECRET'] ?? ''].filter((secret) => secret !== '')
  if (secrets.length > 0) return secrets
  throw new UsageError('give --secret whsec_..., or set WEBHOOK_SECRET')
}

/** The bytes of a file, or of standard input. */
export async function bytesOf(file: string): Promise<Buffer> {
  return file === '-' ? buffer(process.stdin) : readFile(file)
}

/** Headers as a file has them: what a proxy or `curl -v` shows, or JSON. */
export function parseHeaders(text: string): Record<string, string[]> {
  const headers: Record<string, string[]> = {}
  for (const [name, value] of entriesOf(text)) {
    const known = headers[name.toLowerCase()]
    if (known) known.push(value)
    else headers[name.toLowerCase()] = [value]
  }
  return headers
}

function entriesOf(text: string): (readonly [string, string])[] {
  if (text.trimStart().startsWith('{')) {
    const parsed: unknown = JSON.parse(text)
    return Object.entries(parsed as object).flatMap(([name, value]) =>
      [value].flat().map((one) => [name, String(one)] as const),
    )
  }
  return text
    .split(/\r?\n/)
    .map((line) => /^(?:[<>] )?([^:\s]+):[ \t]*(.*?)\s*$/.exec(line))
    .flatMap((match) => (match ? [[match[1] ?? '', match[2] ?? ''] as const] : []))
}
