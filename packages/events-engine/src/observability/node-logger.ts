import type { Logger } from '@x/events-core'
import { thrownText } from '../util/storable-text.ts'

/** A logger that adds to each entry which node it comes from: the name that leases and stats show. */
export function nodeLogger(logger: Logger, nodeId: string): Logger {
  return {
    debug: (details, message) => logger.debug({ nodeId, ...details }, message),
    info: (details, message) => logger.info({ nodeId, ...details }, message),
    warn: (details, message) => logger.warn({ nodeId, ...details }, message),
    error: (details, message) => logger.error({ nodeId, ...details }, message),
  }
}

/**
 * The host's logger, which never throws: what it fails to write must not end the work that it is told of.
 * It reads of an error whatever it likes, and an error may refuse to be read; then it gets the text.
 */
export function guardLogger(logger: Logger): Logger {
  const write = (level: keyof Logger) => (details: object, message: string) => {
    try {
      logger[level](details, message)
    } catch {
      tryToWrite(level, 'err' in details ? { ...details, err: thrownText(details.err) } : details, message)
    }
  }

  function tryToWrite(level: keyof Logger, details: object, message: string): void {
    try {
      logger[level](details, message)
    } catch {
      // There is nobody left to tell.
    }
  }

  return { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') }
}
