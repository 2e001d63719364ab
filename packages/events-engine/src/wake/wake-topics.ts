/** Messages between nodes for packages that build on an engine: a topic, and nothing else. */
export interface WakeTopics {
  /** Publishes a topic to the other nodes. Only PostgreSQL with `options.postgres` passes it on. */
  publish(topic: string): void
  /** Calls the listeners of a topic that another node has published. */
  received(topic: string): void
  /** Calls every listener: any topic may have been published while no connection listened. */
  receivedAny(): void
  /**
   * Adds a listener of a topic, and calls it, since messages may have been lost before.
   *
   * @returns a function that removes it.
   */
  onMessage(topic: string, listener: () => void): () => void
}

/** @param publish - sends a topic to the other nodes. */
export function createWakeTopics(publish: (topic: string) => void): WakeTopics {
  const listening = new Set<{ readonly topic: string; readonly listener: () => void }>()
  const call = (wanted?: string) => {
    for (const { topic, listener } of [...listening]) if (wanted === undefined || topic === wanted) listener()
  }
  return {
    publish,
    received: call,
    receivedAny: () => call(),
    onMessage(topic, listener) {
      const one = { topic, listener }
      listening.add(one)
      listener()
      return () => void listening.delete(one)
    },
  }
}
