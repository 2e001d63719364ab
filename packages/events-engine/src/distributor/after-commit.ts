import type { Logger } from '@x/events-core'

/** What is to be done as soon as a transaction is committed. */
export interface AfterCommit {
  add(callback: () => void): void
  /** The transaction is committed. What a callback throws is logged: nothing can be undone any more. */
  run(): void
}

/** Creates what one transaction collects. */
export function createAfterCommit(subscription: string, logger: Logger): AfterCommit {
  const callbacks: (() => void)[] = []

  return {
    add: (callback) => void callbacks.push(callback),
    run() {
      for (const callback of callbacks) {
        try {
          callback()
        } catch (error) {
          logger.error({ err: error, subscription }, 'What was to follow a commit has failed')
        }
      }
    },
  }
}
