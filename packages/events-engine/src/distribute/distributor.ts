import { EventEngineError, shown } from '../errors.ts'
import { detached } from '../observability/tracing.ts'
import { createBroadcastRunner } from './broadcast.ts'
import { createDurableRunner } from './durable.ts'
import type { DistributorRuntime, SubscriptionRunner } from './runtime.ts'
import type { Subscription } from './subscription.ts'

/** The subscriptions of this node, each of which runs while the engine runs. */
export interface EventDistributor<DB> {
  /** Adds a subscription, and starts it when the distributor is running. */
  add(subscription: Subscription<DB>): Promise<void>
  remove(name: string): Promise<void>
  start(): Promise<void>
  stop(): Promise<void>
}

/** Creates a distributor without subscriptions. */
export function createEventDistributor<DB>(runtime: DistributorRuntime<DB>): EventDistributor<DB> {
  const subscriptions = new Map<string, Subscription<DB>>()
  const runners = new Map<string, SubscriptionRunner>()
  let running = false

  async function run(subscription: Subscription<DB>): Promise<void> {
    const runner =
      subscription.mode === 'durable'
        ? createDurableRunner(subscription, runtime)
        : createBroadcastRunner(subscription, runtime)
    runners.set(subscription.name, runner)
    try {
      await runner.start()
    } catch (error) {
      // Another one may have taken the name meanwhile.
      if (runners.get(subscription.name) === runner) runners.delete(subscription.name)
      throw error
    }
  }

  async function end(name: string): Promise<void> {
    const runner = runners.get(name)
    runners.delete(name)
    await runner?.stop()
  }

  async function remove(name: string): Promise<void> {
    subscriptions.delete(name)
    await end(name)
  }

  async function stop(): Promise<void> {
    running = false
    await Promise.all([...runners.keys()].map(end))
    await runtime.leases.stop()
  }

  return {
    async add(subscription) {
      const { name } = subscription
      if (subscriptions.has(name)) {
        throw new EventEngineError(
          'duplicate_subscription',
          `subscribe: there is a subscription named ${shown(name)} already; give each its own name.`,
        )
      }
      subscriptions.set(name, subscription)
      if (!running) return
      try {
        await detached(() => run(subscription))
      } catch (error) {
        // Who is refused may try again. Until then a start in between may have begun it.
        if (subscriptions.get(name) === subscription) await remove(name)
        throw error
      }
    },
    remove,
    async start() {
      running = true
      runtime.leases.start()
      const started = await Promise.allSettled([...subscriptions.values()].map(run))
      const failed = started.find((one) => one.status === 'rejected')
      if (!failed) return
      // All or none: those that have started would not be stopped, and a second start would run them twice.
      await stop()
      throw failed.reason
    },
    stop,
  }
}
