const looks = new WeakMap<object, () => void>()

/** Remembers how to make an engine look for events, for {@link lookSoon}. */
export function keepLook(engine: object, look: () => void): void {
  looks.set(engine, look)
}

/**
 * Tells an engine that events were committed by a transaction that it did not run, so that it need not
 * find them by polling.
 */
export function lookSoon(engine: object): void {
  looks.get(engine)?.()
}
