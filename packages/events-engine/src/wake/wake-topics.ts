/** What a package that builds on an engine tells itself in other processes. */
export interface WakeTopics {
  /** Tells the other nodes, on PostgreSQL with `options.postgres`; elsewhere nothing happens. */
  tell(topic: string): void
  /** Another node has told. */
  heard(topic: string): void
  /** Nobody knows what other nodes have told, since nobody has listened. */
  heardAnything(): void
  readonly listeners: Map<string, () => void>
}

const topicsOf = new WeakMap<object, WakeTopics>()

/** @param tell - sends a topic to the other nodes. */
export function createWakeTopics(tell: (topic: string) => void): WakeTopics {
  const listeners = new Map<string, () => void>()
  return {
    tell,
    listeners,
    heard: (topic) => listeners.get(topic)?.(),
    heardAnything() {
      for (const callback of [...listeners.values()]) callback()
    },
  }
}

/** Remembers an engine's topics, for the two functions below. */
export function keepWakeTopics(engine: object, topics: WakeTopics): void {
  topicsOf.set(engine, topics)
}

/**
 * Tells the other nodes that there is something to look at; many calls within a few milliseconds are one
 * notification. A hint only: it may be lost, and reaches nobody on SQLite.
 */
export function wakeOthers(engine: object, topic: string): void {
  topicsOf.get(engine)?.tell(topic)
}

/**
 * Has a function called when another node has told this topic, or may have while nobody listened; so it is called at
 * once, too. One for each topic.
 *
 * @returns a function that ends it.
 */
export function onWakeByOthers(engine: object, topic: string, callback: () => void): () => void {
  topicsOf.get(engine)?.listeners.set(topic, callback)
  callback()
  return () => {
    topicsOf.get(engine)?.listeners.delete(topic)
  }
}
