import type { Logger } from '@x/events-core'
import { thrownText } from '../util/storable-text.ts'

/** Creates a logger that adds the node's name to each entry, as leases and stats show it. */
export function nodeLogger(logger: Logger, nodeId: string): Logger {
  return {
    debug: (details, message) => logger.debug({ nodeId, ...details }, message),
    info: (details, message) => logger.info({ nodeId, ...details }, message),
    warn: (details, message) => logger.warn({ nodeId, ...details }, message),
    error: (details, message) => logger.error({ nodeId, ...details }, message),
  }
}

/**
 * Wraps the host's logger so that it never throws: a failure to log must not end the work. A logger reads the properties
 * of an error, which may throw; then it gets the text of the error instead.
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
      // There is no other place to report it.
    }
  }

  return { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') }
}
