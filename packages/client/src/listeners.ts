import { SyncClientError } from './errors.ts'

/** Functions to be called with a payload, in the order in which they were added. */
export interface Listeners<TPayload> {
  /**
   * @param accepts - called before each call, and decides about it; without it the listener is called for every payload.
   * @returns a function that removes the listener; a function added twice is two listeners.
   */
  add(listener: (payload: TPayload) => unknown, accepts?: (payload: TPayload) => boolean): () => void
  /**
   * Calls the listeners. When one of them calls it, it returns at once, so that the others get the first payload before the
   * next.
   *
   * @throws {@link SyncClientError} `endless_loop`.
   */
  notify(payload: TPayload): void
}

/** After so many payloads, each caused by its predecessor, the listeners call each other without end. */
const LONGEST_CHAIN = 10_000

interface Registration<TPayload> {
  readonly listener: (payload: TPayload) => unknown
  readonly accepts: ((payload: TPayload) => boolean) | undefined
}

/**
 * @param failed - called with the error of a listener, or of the promise that it returned. The other listeners are called
 *   all the same.
 */
export function createListeners<TPayload>(failed: (error: unknown) => void): Listeners<TPayload> {
  const registrations = new Set<Registration<TPayload>>()
  const waiting: TPayload[] = []
  let isNotifying = false

  function call({ listener, accepts }: Registration<TPayload>, payload: TPayload): void {
    try {
      if (accepts && !accepts(payload)) return
      // A result that is no promise resolves at once.
      Promise.resolve(listener(payload)).catch(failed)
    } catch (error) {
      failed(error)
    }
  }

  function callAll(payload: TPayload): void {
    // A copy, so that a listener added now waits for the next payload; asked again, so that one
    // removed by an earlier listener is not called any more.
    for (const registration of [...registrations]) {
      if (registrations.has(registration)) call(registration, payload)
    }
  }

  return {
    add(listener, accepts) {
      const registration = { listener, accepts }
      registrations.add(registration)
      return () => registrations.delete(registration)
    },
    notify(payload) {
      waiting.push(payload)
      if (isNotifying) return
      isNotifying = true
      try {
        // Listeners may add to it meanwhile.
        for (const [index, next] of waiting.entries()) {
          if (index === LONGEST_CHAIN) {
            const message = `${LONGEST_CHAIN} changes in answer to one; do two listeners answer each other?`
            throw new SyncClientError('endless_loop', message)
          }
          callAll(next)
        }
      } finally {
        waiting.length = 0
        isNotifying = false
      }
    },
  }
}
