/**
 * Does a piece of work that can be broken off, by a signal or by itself. The end does not depend on
 * the work's listening to its signal, since a caller's own `fetch` may not.
 *
 * @param work - given a signal that is aborted at the end in any case, so that connections go.
 * @throws the reason of what broke it off, or what the work threw.
 */
export async function breakable<TResult>(
  outer: AbortSignal,
  work: (signal: AbortSignal, breakOff: (reason: unknown) => void) => Promise<TResult>,
): Promise<TResult> {
  outer.throwIfAborted()
  const controller = new AbortController()
  const { signal } = controller
  const stop = () => controller.abort(outer.reason)
  outer.addEventListener('abort', stop)
  try {
    return await Promise.race([
      work(signal, (reason) => controller.abort(reason)),
      new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
    ])
  } finally {
    outer.removeEventListener('abort', stop)
    stop()
  }
}
