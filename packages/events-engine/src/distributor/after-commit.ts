import type { Logger } from '@x/events-core'

/** Callbacks that run as soon as a transaction is committed. */
export interface AfterCommit {
  add(callback: () => void): void
  /** Runs the callbacks after the commit. Their errors are logged, since nothing can be undone any more. */
  run(): void
}

/** Creates the callbacks of one transaction. */
export function createAfterCommit(subscription: string, logger: Logger): AfterCommit {
  const callbacks: (() => void)[] = []

  return {
    add: (callback) => void callbacks.push(callback),
    run() {
      for (const callback of callbacks) {
        try {
          callback()
        } catch (error) {
          logger.error({ err: error, subscription }, 'A callback after a commit failed')
        }
      }
    },
  }
}
