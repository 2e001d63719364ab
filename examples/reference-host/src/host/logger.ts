import { randomUUID } from 'node:crypto'
import type { Logger } from '@x/events-core'
import type { RequestHandler } from 'express'
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

/** Gives every request an id, and tells of each when it is over. */
export function logRequests(logger: Logger): RequestHandler {
  return (request, response, next) => {
    const startedAt = performance.now()
    const { method, originalUrl } = request
    request.requestId = randomUUID()
    response.set('x-request-id', request.requestId)
    response.on('close', () => {
      const durationMs = Math.round(performance.now() - startedAt)
      const { requestId } = request
      logger.debug(
        { requestId, method, url: originalUrl, status: response.statusCode, durationMs },
        'Request',
      )
    })
    next()
  }
}
