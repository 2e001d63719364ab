import type { Logger } from '@x/events-core'

/** A logger that adds to each entry which node it comes from: the name that leases and stats show. */
export function nodeLogger(logger: Logger, nodeId: string): Logger {
  return {
    debug: (details, message) => logger.debug({ nodeId, ...details }, message),
    info: (details, message) => logger.info({ nodeId, ...details }, message),
    warn: (details, message) => logger.warn({ nodeId, ...details }, message),
    error: (details, message) => logger.error({ nodeId, ...details }, message),
  }
}
