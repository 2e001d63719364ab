/** Start and stop that may be called in any order, any number of times, at the same time. */
export interface Lifecycle {
  readonly running: boolean
  start(): Promise<void>
  stop(): Promise<void>
}

/**
 * Creates a life-cycle of two functions. They run one at a time, in the order of the calls. A call for what is under way
 * already shares its promise.
 */
export function createLifecycle(onStart: () => Promise<void>, onStop: () => Promise<void>): Lifecycle {
  let running = false
  let wanted = false
  let changes = 0
  let transition: Promise<void> = Promise.resolve()

  function next(action: () => Promise<void>): Promise<void> {
    transition = transition.catch(() => {}).then(action)
    return transition
  }

  function start(): Promise<void> {
    if (wanted) return transition
    wanted = true
    const change = ++changes
    return next(async () => {
      if (running) return
      try {
        await onStart()
        running = true
      } catch (error) {
        // A failed start may be tried again, unless start or stop was called since.
        if (change === changes) wanted = false
        throw error
      }
    })
  }

  function stop(): Promise<void> {
    if (!wanted) return transition.catch(() => {})
    wanted = false
    changes += 1
    return next(async () => {
      if (!running) return
      running = false
      await onStop()
    })
  }

  return {
    get running() {
      return running
    },
    start,
    stop,
  }
}
