/** Messages between nodes for packages that build on an engine: a topic, and nothing else. */
export interface WakeTopics {
  /** Publishes a topic to the other nodes. Only PostgreSQL with `options.postgres` passes it on. */
  publish(topic: string): void
  /** Calls the listener of a topic that another node has published. */
  received(topic: string): void
  /** Calls every listener: any topic may have been published while no connection listened. */
  receivedAny(): void
  /**
   * Sets the listener of a topic, and calls it, since messages may have been lost before.
   *
   * @returns a function that removes it.
   */
  onMessage(topic: string, listener: () => void): () => void
}

/** @param publish - sends a topic to the other nodes. */
export function createWakeTopics(publish: (topic: string) => void): WakeTopics {
  const listeners = new Map<string, () => void>()
  return {
    publish,
    received: (topic) => listeners.get(topic)?.(),
    receivedAny() {
      for (const listener of [...listeners.values()]) listener()
    },
    onMessage(topic, listener) {
      listeners.set(topic, listener)
      listener()
      return () => void listeners.delete(topic)
    },
  }
}
