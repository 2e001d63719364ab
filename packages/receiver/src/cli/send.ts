import { parseArgs } from 'node:util'
import { EventsError } from '@x/events-core'
import type { HeaderFamily } from '@x/signature'
import { sendWebhook } from '../testing.ts'
import { type CliIo, UsageError } from './cli-io.ts'
import { bytesOf, secretsOf } from './inputs.ts'

const options = {
  secret: { type: 'string', multiple: true },
  type: { type: 'string', default: 'File.Create' },
  data: { type: 'string', default: '{}' },
  body: { type: 'string' },
  id: { type: 'string' },
  timestamp: { type: 'string' },
  'header-family': { type: 'string', default: 'webhook' },
} as const

function dataOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new UsageError(`--data must be JSON; got ${text}`)
  }
}

function timeOf(text: string | undefined): Date | undefined {
  if (text === undefined) return undefined
  if (/^\d{1,12}$/.test(text)) return new Date(Number(text) * 1000)
  throw new UsageError(`--timestamp must be whole seconds since 1970; got ${text}`)
}

function headerFamilyOf(text: string): HeaderFamily {
  if (text === 'webhook' || text === 'svix') return text
  throw new UsageError(`--header-family must be webhook or svix; got ${text}`)
}

/** Sends a signed webhook and shows the answer; 0 when that is 2xx. */
export async function send(args: readonly string[], io: CliIo): Promise<number> {
  const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true })
  const [url, ...others] = positionals
  if (!url || others.length > 0 || !URL.canParse(url)) throw new UsageError('give one URL to send to')
  const secret = secretsOf(values.secret, io)
  const body =
    values.body === undefined
      ? { type: values.type, timestamp: new Date().toISOString(), data: dataOf(values.data) }
      : await bytesOf(values.body)
  const timestamp = timeOf(values.timestamp)
  const headerFamily = headerFamilyOf(values['header-family'])
  let response: Response
  try {
    response = await sendWebhook(url, { secret, id: values.id, timestamp, headerFamily, body })
  } catch (error) {
    if (EventsError.is(error)) throw error
    const { message, cause } = error as Error
    throw new Error(cause instanceof Error ? `no response from ${url}: ${cause.message}` : message)
  }
  const answer = await response.text()
  io.write(`${response.status} ${response.statusText}\n${answer && `${answer}\n`}`)
  return response.ok ? 0 : 1
}
