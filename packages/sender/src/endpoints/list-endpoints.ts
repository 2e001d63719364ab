import { type Clock, type FieldNames, isListOf } from '@x/events-core'
import { readLimit } from '../argument.ts'
import { readText } from '../deliveries/read-filter.ts'
import { assertArgument } from '../errors.ts'
import type { EndpointOrder } from '../store/endpoints.ts'
import type { HourOfEndpoint } from '../store/statistics.ts'
import type { DeliveryStore } from '../store/store.ts'
import type { Endpoint, TenantScope } from './endpoint.ts'
import type { EndpointHealth, EndpointHealthState } from './endpoint-health.ts'
import { endpointOf } from './endpoint-of-row.ts'
import type { EndpointRow } from './fields.ts'
import type { EndpointHealthReader } from './health.ts'
import { tenantOf, validateTenantId } from './validate.ts'

/** Which endpoints to list. */
export interface ListEndpoints {
  readonly tenantId: number
  /** Those whose URL or description contains this text, in any case; 1 to 200 characters. */
  readonly search?: string | undefined
  /** Those that do so now. */
  readonly health?: EndpointHealthState | undefined
  /**
   * `newest`: the newest first. `failing`: first those that fail, then those that were disabled for it, then the others; the newest
   * first among each.
   * @defaultValue 'newest'
   */
  readonly sort?: EndpointOrder | undefined
  /** The id of the last endpoint of the page before. */
  readonly before?: string | undefined
  /**
   * 1 to 250.
   * @defaultValue 50
   */
  readonly limit?: number | undefined
}

/** What was attempted in an hour. */
export interface HourlyAttempts {
  readonly from: Date
  readonly succeeded: number
  readonly failed: number
}

/** How an endpoint does, and what was attempted lately: for a line in a list. */
export interface EndpointSummary {
  readonly health: EndpointHealth
  /** The last 24 hours, up to now. */
  readonly lastDay: {
    readonly succeeded: number
    readonly failed: number
    /** 24 of them, without gaps. */
    readonly hours: readonly HourlyAttempts[]
  }
}

/** Lists of endpoints. */
export interface EndpointLists {
  /** @throws WebhookSenderError `invalid_argument`, `endpoint_not_found` for `before` */
  list(query: ListEndpoints): Promise<readonly Endpoint[]>
  /**
   * How endpoints do, and what was attempted in the last 24 hours, of many at once: by their ids. Those that do not exist are left out.
   *
   * @param ids - at most 250.
   * @throws WebhookSenderError `invalid_argument`
   * @example
   * ```ts
   * import type { WebhookSender } from '@x/sender'
   *
   * async function successRates(sender: WebhookSender, tenantId: number): Promise<string[]> {
   *   const endpoints = await sender.endpoints.list({ tenantId, sort: 'failing' })
   *   const summaries = await sender.endpoints.summaries(endpoints.map(({ id }) => id), { tenantId })
   *   return endpoints.map(({ id, url }) => {
   *     const { succeeded = 0, failed = 0 } = summaries.get(id)?.lastDay ?? {}
   *     return `${url}: ${succeeded} of ${succeeded + failed}`
   *   })
   * }
   * ```
   */
  summaries(ids: readonly string[], scope?: TenantScope): Promise<ReadonlyMap<string, EndpointSummary>>
  /**
   * How an endpoint does: whether it fails or is paused, since when and why, and what waits for it. It costs the same however much
   * waits.
   *
   * @throws WebhookSenderError `endpoint_not_found`
   * @example
   * ```ts
   * import type { WebhookSender } from '@x/sender'
   *
   * async function warnIfPaused(sender: WebhookSender, endpointId: string): Promise<void> {
   *   const { pause, waiting } = await sender.endpoints.health(endpointId)
   *   if (pause) console.warn(`${waiting} webhooks wait until ${pause.until.toISOString()}: ${pause.cause}`)
   * }
   * ```
   */
  health(id: string, scope?: TenantScope): Promise<EndpointHealth>
}

/** What {@link createEndpointLists} works with. */
export interface EndpointListsParts {
  readonly store: DeliveryStore
  readonly clock: Clock
  readonly health: EndpointHealthReader
  /** Called before statistics are read, so that they include every recorded attempt. */
  rollUp(): Promise<void>
  /** @throws WebhookSenderError `endpoint_not_found` */
  find(id: string, scope: TenantScope | undefined): Promise<EndpointRow>
}

const HEALTH_STATES: Readonly<Record<EndpointHealthState, true>> = {
  healthy: true,
  failing: true,
  paused: true,
  disabled: true,
}
const ORDERS: Readonly<Record<EndpointOrder, true>> = { newest: true, failing: true }
const LIST: FieldNames<ListEndpoints> = {
  tenantId: true,
  search: true,
  health: true,
  sort: true,
  before: true,
  limit: true,
}
const MANY = 250
const HOUR_MS = 3_600_000
const HOURS = 24
/** What is counted by the minute is whole in each hour. */
const MINUTE_MS = 60_000

/** Creates the lists of endpoints. */
export function createEndpointLists(parts: EndpointListsParts): EndpointLists {
  const { store, clock, health: healthReader, rollUp, find } = parts

  async function withHealth(rows: readonly EndpointRow[], wanted: EndpointHealthState) {
    const states = await healthReader.readStates(rows.map(({ key }) => key))
    return rows.filter(({ key }) => states.get(key) === wanted)
  }

  return {
    async list(query) {
      const { before, limit: most, search, health, sort, ...scope } = assertArgument.fields('', query, LIST)
      const tenantId = validateTenantId(scope.tenantId)
      const limit = readLimit(most)
      const text = readText('search', search)
      const order = assertArgument.oneOf('sort', sort ?? 'newest', Object.keys(ORDERS) as EndpointOrder[])
      const states = Object.keys(HEALTH_STATES) as EndpointHealthState[]
      const wanted = health === undefined ? undefined : assertArgument.oneOf('health', health, states)
      if (before !== undefined) await find(before, { tenantId })
      const page = (after: string | undefined, count: number) =>
        store.listEndpoints({ tenantId, before: after, search: text, order, health: wanted, limit: count })
      if (wanted === undefined) return (await page(before, limit)).map(endpointOf)
      const found: EndpointRow[] = []
      for (let last = before; ; ) {
        const rows = await page(last, MANY)
        found.push(...(await withHealth(rows, wanted)))
        last = rows.at(-1)?.id
        if (found.length >= limit || rows.length < MANY) return found.slice(0, limit).map(endpointOf)
      }
    },

    async summaries(ids, scope) {
      const tenantId = tenantOf(scope)
      const areIds = isListOf(ids, (id) => typeof id === 'string') && ids.length <= MANY
      assertArgument(areIds, 'ids', `a list of at most ${MANY} ids of endpoints`, ids)
      const rows = await store.findEndpoints(ids)
      const own = rows.filter((row) => tenantId === undefined || row.tenantId === tenantId)
      if (own.length === 0) return new Map()
      await rollUp()
      const until = Math.floor(clock.now() / MINUTE_MS + 1) * MINUTE_MS
      const since = until - HOURS * HOUR_MS
      const keysOf = (tenant: number) => own.filter((row) => row.tenantId === tenant).map(({ key }) => key)
      const tenants = [...new Set(own.map((row) => row.tenantId))]
      const [healths, ...attempts] = await Promise.all([
        healthReader.read(own.map(({ key }) => key)),
        ...tenants.map((tenant) =>
          store.readHours({ tenantId: tenant, endpointKeys: keysOf(tenant), since, until }),
        ),
      ])
      const hours = Map.groupBy(attempts.flat(), ({ endpointKey }) => endpointKey)
      return new Map(
        own.flatMap(({ id, key }) => {
          const health = healths.get(key)
          return health ? [[id, { health, lastDay: lastDayOf(hours.get(key) ?? [], since) }]] : []
        }),
      )
    },

    async health(id, scope) {
      const { key } = await find(id, scope)
      return (await healthReader.read([key])).get(key) as EndpointHealth
    },
  }
}

function lastDayOf(attempts: readonly HourOfEndpoint[], since: number): EndpointSummary['lastDay'] {
  const hours = Array.from({ length: HOURS }, (_, hour) => {
    const { succeeded = 0, failed = 0 } = attempts.find((one) => one.hour === hour) ?? {}
    return { from: new Date(since + hour * HOUR_MS), succeeded, failed }
  })
  const sum = (name: 'succeeded' | 'failed') => hours.reduce((total, hour) => total + hour[name], 0)
  return { succeeded: sum('succeeded'), failed: sum('failed'), hours }
}
