import type { Logger } from '@x/events-core'
import type { Delivery, Endpoint, WebhookSender } from '@x/sender'

/** What has changed, as a hint to fetch it again. */
export interface Change {
  readonly endpoints: readonly string[]
  readonly deliveries: readonly string[]
}

/** Looks for changes of tenants, while somebody wants to hear of them. */
export interface ChangeWatcher {
  /**
   * @param listener - is called first with nothing: whatever changes from then on is told.
   * @returns what ends it.
   */
  watch(tenantId: number, listener: (change: Change) => void): () => void
}

/** What {@link createChangeWatcher} works with. */
export interface ChangeWatcherParts {
  readonly sender: Pick<WebhookSender, 'deliveries' | 'endpoints'>
  readonly logger: Logger
}

interface Watched {
  readonly listeners: Set<(change: Change) => void>
  endpoints: ReadonlyMap<string, string>
  deliveries: ReadonlyMap<string, string>
  hasLooked: boolean
  timer: NodeJS.Timeout | undefined
}

const LOOK_EVERY_MS = 1_000
const AFTER_ERROR_MS = 5_000
const LOOKED_AT = 100
const NOTHING: Change = { endpoints: [], deliveries: [] }

/**
 * Creates what tells of changes. It looks at the database, so that it sees what any node has done: the
 * tenant's endpoints, its newest deliveries, and the newest of those that wait. One look serves all who
 * listen for a tenant.
 */
export function createChangeWatcher({ sender, logger }: ChangeWatcherParts): ChangeWatcher {
  const tenants = new Map<number, Watched>()

  async function read(tenantId: number) {
    const [endpoints, newest, waiting] = await Promise.all([
      sender.endpoints.list({ tenantId, limit: LOOKED_AT }),
      sender.deliveries.list({ tenantId, limit: LOOKED_AT }),
      sender.deliveries.list({ tenantId, state: 'pending', limit: LOOKED_AT }),
    ])
    return {
      endpoints: new Map(endpoints.map((one) => [one.id, endpointState(one)])),
      deliveries: new Map([...newest, ...waiting].map((one) => [one.id, deliveryState(one)])),
    }
  }

  async function look(tenantId: number, watched: Watched): Promise<void> {
    let pauseMs = LOOK_EVERY_MS
    try {
      const seen = await read(tenantId)
      const change = watched.hasLooked
        ? {
            endpoints: changed(watched.endpoints, seen.endpoints),
            deliveries: changed(watched.deliveries, seen.deliveries),
          }
        : NOTHING
      const isNews = !watched.hasLooked || change.endpoints.length + change.deliveries.length > 0
      Object.assign(watched, seen, { hasLooked: true })
      if (isNews) for (const listener of watched.listeners) listener(change)
    } catch (error) {
      pauseMs = AFTER_ERROR_MS
      logger.warn({ err: error, tenantId }, 'The webhook portal cannot look for changes')
    }
    if (watched.listeners.size === 0) return
    watched.timer = setTimeout(() => void look(tenantId, watched), pauseMs)
    watched.timer.unref()
  }

  return {
    watch(tenantId, listener) {
      const known = tenants.get(tenantId)
      const watched: Watched = known ?? {
        listeners: new Set(),
        endpoints: new Map(),
        deliveries: new Map(),
        hasLooked: false,
        timer: undefined,
      }
      watched.listeners.add(listener)
      if (known?.hasLooked) listener(NOTHING)
      if (!known) {
        tenants.set(tenantId, watched)
        void look(tenantId, watched)
      }
      return () => {
        watched.listeners.delete(listener)
        if (watched.listeners.size > 0 || tenants.get(tenantId) !== watched) return
        tenants.delete(tenantId)
        clearTimeout(watched.timer)
      }
    },
  }
}

function endpointState({ version, enabled, failingSince }: Endpoint): string {
  return `${version} ${enabled} ${failingSince?.getTime()}`
}

function deliveryState({ state, attemptCount, dueOn }: Delivery): string {
  return `${state} ${attemptCount} ${dueOn?.getTime()}`
}

/** Those that are new or other than before, and those that are not there any more: they have moved on. */
function changed(before: ReadonlyMap<string, string>, now: ReadonlyMap<string, string>): string[] {
  const ids = new Set([...before.keys(), ...now.keys()])
  return [...ids].filter((id) => before.get(id) !== now.get(id))
}
