import type { Logger } from '@x/events-core'
import { pino } from 'pino'
import type { HostConfig } from '../config.ts'

const SECRETS = [
  'authorization',
  'cookie',
  'set-cookie',
  'password',
  'secret',
  'secrets',
  'token',
  'adminToken',
  'encryptionKey',
]

/** A logger that leaves out what would let its readers in. */
export function createLogger(level: HostConfig['logLevel']): Logger {
  const paths = SECRETS.flatMap((name) => [`["${name}"]`, `*["${name}"]`, `*.*["${name}"]`])
  return pino({ level, base: null, redact: { paths, censor: '[redacted]' } })
}
