import { EntityNames } from '@x/events-core'
import { type TestConsumer, testConsumer, waitFor } from '@x/testkit'
import fc from 'fast-check'
import { expect } from 'vitest'
import { it, testDialect } from '../each-database.ts'
import { type HostOptions, type OpenHost, openHost } from '../open-host.ts'

/** Short, so that others take over soon; and lost now and then on a busy machine, which only adds to the course. */
const LEASE_MS = 1_000

const options: HostOptions = {
  sharesConnection: true,
  leaseMs: LEASE_MS,
  stopTimeoutMs: 50,
  // More than any course fails: nothing is exhausted.
  retrySchedule: Array.from({ length: 50 }, (_, index) => (index < 10 ? 0.2 * index : 5)),
  circuit: { failures: 1_000, maxPauseSeconds: 1 },
  engine: { leaseMs: LEASE_MS, stopTimeoutMs: 50 },
}

/** The endpoints: each is sent the events of its tenant. */
const ENDPOINTS = [
  { name: 'plain', tenantId: 1, ordering: 'none' },
  { name: 'ordered', tenantId: 1, ordering: 'fifo' },
  { name: 'foreign', tenantId: 2, ordering: 'none' },
] as const

interface Node extends Fate {
  readonly host: OpenHost
}

/** What happens to a node. */
interface Fate {
  /** It is cut off from the database: what it has begun is rolled back, and nothing else of it arrives. */
  isCut: boolean
  /** The response to its next COMMIT of deliveries is lost. */
  losesCommit: boolean
}

type Mode = 'succeed' | 'fail' | 'hold'

/** What of a course is expected: nothing but which events each endpoint must get, and may get. */
interface Expected {
  /** Event by event, in the order of the log; an event is known by its entity. */
  readonly raised: { readonly entityId: number; readonly tenantId: number }[]
  /** By endpoint. */
  readonly must: ReadonlyMap<number, Set<number>>
  readonly disabled: Set<number>
}

interface World extends AsyncDisposable {
  readonly host: OpenHost
  readonly nodes: Node[]
  readonly endpointIds: readonly string[]
  /** By endpoint: the entities of events that it has accepted. */
  readonly accepted: readonly Set<number>[]
  readonly violations: string[]
  respond(endpoint: number, mode: Mode): void
  startNode(): Promise<void>
  cut(node: Node): void
  /** Which events before the position lack a delivery, by endpoint and entity; and which have several. */
  check(expected: Expected): Promise<void>
}

async function openWorld(expected: Expected): Promise<World> {
  const host = await openHost(options)
  const consumer: TestConsumer = await testConsumer()
  const nodes: Node[] = []
  const violations: string[] = []
  const accepted = ENDPOINTS.map(() => new Set<number>())
  const modes: Mode[] = ENDPOINTS.map(() => 'succeed')
  const waiting: Set<() => void>[] = ENDPOINTS.map(() => new Set())

  consumer.answer(async ({ path, rawBody }) => {
    const endpoint = Number(path.split('/').at(-1))
    const { tenantId, entityId } = JSON.parse(String(rawBody)).data
    // None foreign. What is raised is expected before it is committed.
    const isRaised = expected.raised.some((one) => one.entityId === entityId && one.tenantId === tenantId)
    const known = ENDPOINTS[endpoint] as (typeof ENDPOINTS)[number]
    if (!isRaised || tenantId !== known.tenantId)
      violations.push(`${known.name} got ${entityId} of ${tenantId}`)
    // In an ordering key, everything before it was accepted before.
    if (known.ordering === 'fifo') {
      const missing = [...(expected.must.get(endpoint) ?? [])].filter(
        (one) => one < entityId && !accepted[endpoint]?.has(one),
      )
      if (missing.length > 0) violations.push(`${entityId} came before ${missing}`)
    }
    if (modes[endpoint] === 'hold') await new Promise<void>((resolve) => waiting[endpoint]?.add(resolve))
    if (modes[endpoint] === 'fail') return 500
    accepted[endpoint]?.add(entityId)
    return 204
  })

  const endpointIds: string[] = []
  for (const [index, { tenantId, ordering }] of ENDPOINTS.entries()) {
    const { endpoint } = await host.sender.endpoints.create({
      tenantId,
      url: `${consumer.url}/${index}`,
      ordering,
    })
    endpointIds.push(endpoint.id)
  }

  /** Of deliveries, each once: an event has none of an endpoint, or one. */
  const delivery = `from xe_webhook_delivery d left join xe_webhook_message m on m.key = d.message_key
      where d.endpoint_key = n.key and (d.event_seq = e.seq or m.event_id = e.id)`
  const position = `(select position from xe_subscription where name = 'webhooks')`
  const snapshot = (part: number) => `nullif(split_part(${position}, '/', ${part}), '')::pg_snapshot`
  const isBehind =
    testDialect() === 'sqlite'
      ? `e.seq <= cast(substr(${position}, 3) as integer)`
      : `coalesce(pg_visible_in_snapshot(e.xid, ${snapshot(2)}) or (pg_visible_in_snapshot(e.xid, ${snapshot(3)})
          and e.seq <= split_part(${position}, '/', 4)::bigint), false)`
  const pairs = 'from xe_sync_event e join xe_webhook_endpoint n on n.tenant_id = e.tenant_id'
  const textOf = (name: string) => `cast(${name} as varchar(20))`
  const wrong = `select ${textOf('n.url')} as url, n.url as whole, e.entity_id as entity, 'no' as deliveries ${pairs}
      where ${isBehind} and not exists (select 1 ${delivery})
    union all
    select ${textOf('n.url')}, n.url, e.entity_id, 'several' ${pairs} where (select count(*) ${delivery}) > 1`

  const world: World = {
    host,
    nodes,
    endpointIds,
    accepted,
    violations,
    respond(endpoint, mode) {
      modes[endpoint] = mode
      if (mode === 'hold') return
      for (const release of waiting[endpoint] ?? []) release()
      waiting[endpoint]?.clear()
    },
    async startNode() {
      const writing = new WeakSet<object>()
      const inTransaction = new WeakSet<object>()
      const fate: Fate = { isCut: false, losesCommit: false }
      const opened = await host.openAnother({
        ...options,
        observer: {
          before(statement) {
            if (fate.isCut && statement !== 'rollback') throw new Error('The node is cut off.')
          },
          after(statement, connection) {
            const isCommit = /^\s*commit/.test(statement)
            if (/^\s*(?:begin|start)/.test(statement)) inTransaction.add(connection)
            if (/xe_webhook_delivery/.test(statement) && /insert|update/.test(statement))
              writing.add(connection)
            const ends = isCommit || !inTransaction.has(connection)
            const hasWritten = ends && writing.delete(connection)
            if (isCommit || statement === 'rollback') inTransaction.delete(connection)
            if (!hasWritten || !fate.losesCommit) return
            fate.losesCommit = false
            throw new Error('The response to a COMMIT was lost.')
          },
        },
      })
      nodes.push(Object.assign(fate, { host: opened }))
      await opened.start()
    },
    cut(node) {
      node.isCut = true
    },
    async check({ must }) {
      const found = await host.run<{ whole: string; entity: unknown; deliveries: string }>(wrong)
      for (const { whole, entity, deliveries } of found) {
        const endpoint = Number(whole.split('/').at(-1))
        const isExpected = must.get(endpoint)?.has(Number(entity))
        if (deliveries === 'several' || isExpected) {
          violations.push(`${deliveries} deliveries of ${entity} for ${ENDPOINTS[endpoint]?.name}`)
        }
      }
      expect(violations).toEqual([])
    },
    async [Symbol.asyncDispose]() {
      for (const index of ENDPOINTS.keys()) world.respond(index, 'fail')
      for (const node of nodes) await node.host[Symbol.asyncDispose]()
      await consumer[Symbol.asyncDispose]()
      await host[Symbol.asyncDispose]()
    },
  }
  return world
}

const isStored = async ({ host }: World, endpoint: number, entity: number, state: string) => {
  const [row] = await host.run<{ n: unknown }>(`select count(*) as n from xe_sync_event e
    join xe_webhook_endpoint n on n.tenant_id = e.tenant_id and n.url like '%/${endpoint}'
    join xe_webhook_delivery d on d.endpoint_key = n.key
    left join xe_webhook_message m on m.key = d.message_key
    where (d.event_seq = e.seq or m.event_id = e.id) and cast(e.entity_id as varchar(20)) in ('${entity}', '"${entity}"')
      and ${state}`)
  return Number(row?.n) === 1
}

const areAll = async (world: World, { must }: Expected, state: string) => {
  for (const [endpoint, entities] of must) {
    for (const entity of entities) if (!(await isStored(world, endpoint, entity, state))) return false
  }
  return true
}

interface Command {
  readonly text: string
  run(expected: Expected, world: World): Promise<void>
}

const live = ({ nodes }: World) => nodes.filter(({ isCut }) => !isCut)

const raise = (count: number): Command => ({
  text: `raise ${count} for each tenant`,
  async run({ raised, must, disabled }, { host }) {
    const added: number[] = []
    for (let each = 0; each < count; each++) {
      for (const tenantId of [1, 2]) {
        const entityId = raised.length + 1
        raised.push({ entityId, tenantId })
        added.push(entityId)
      }
    }
    await host.engine.transaction(async ({ raise: add }) => {
      for (const entityId of added) {
        const { tenantId } = raised[entityId - 1] as Expected['raised'][number]
        await add({ tenantId, siteId: 7 }, EntityNames.File, entityId, 'Update')
      }
    })
    for (const [endpoint, { tenantId }] of ENDPOINTS.entries()) {
      if (disabled.has(endpoint)) continue
      for (const entityId of added)
        if (raised[entityId - 1]?.tenantId === tenantId) must.get(endpoint)?.add(entityId)
    }
  },
})

const respond = (endpoint: number, mode: Mode): Command => ({
  text: `${ENDPOINTS[endpoint]?.name}: ${mode}`,
  run: async (_, world) => world.respond(endpoint, mode),
})

const loseLease: Command = {
  text: 'lose the lease of the subscription',
  async run(_, { host }) {
    await host.run(`update xe_subscription set epoch = epoch + 1, leased_by = null where name = 'webhooks'`)
  },
}

const cutNode = (index: number): Command => ({
  text: `cut node ${index} off`,
  async run(_, world) {
    const node = live(world)[index]
    if (node) world.cut(node)
  },
})

const startNode: Command = {
  text: 'start a node',
  async run(_, world) {
    if (live(world).length < 2) await world.startNode()
  },
}

const loseCommit = (index: number): Command => ({
  text: `lose the response to a COMMIT of node ${index}`,
  async run(_, world) {
    const node = live(world)[index]
    if (node) node.losesCommit = true
  },
})

const change = (endpoint: number, to: 'disable' | 'enable' | 'rotate' | 'update'): Command => ({
  text: `${to} ${ENDPOINTS[endpoint]?.name}`,
  async run(expected, world) {
    const id = world.endpointIds[endpoint] as string
    const { endpoints } = world.host.sender
    if (to === 'rotate') await endpoints.rotateSecret(id, { overlapSeconds: 60 })
    if (to === 'update') await endpoints.update(id, { description: 'another' })
    if (to === 'enable') {
      await endpoints.enable(id)
      expected.disabled.delete(endpoint)
    }
    if (to !== 'disable') return
    await endpoints.disable(id)
    expected.disabled.add(endpoint)
    // What was not fanned out by then need not arrive; what was has to.
    const must = expected.must.get(endpoint) as Set<number>
    for (const entity of must) if (!(await isStored(world, endpoint, entity, 'true'))) must.delete(entity)
  },
})

/** Whose position may move over it while others of the same events are under way. */
const raiseUntilFirst: Command = {
  text: 'raise until one of the deliveries is there',
  async run(expected, world) {
    const before = expected.raised.length
    await raise(2).run(expected, world)
    if (live(world).length === 0 || expected.disabled.size === ENDPOINTS.length) return
    const added = [...expected.must].flatMap(([endpoint, entities]) =>
      [...entities].filter((entity) => entity > before).map((entity) => [endpoint, entity] as const),
    )
    await waitFor(
      async () => {
        for (const [endpoint, entity] of added)
          if (await isStored(world, endpoint, entity, 'true')) return true
        return false
      },
      'one of them',
      120_000,
    )
  },
}

const settle: Command = {
  text: 'wait until all is recorded or stored',
  async run(expected, world) {
    if (live(world).length === 0) return
    await waitFor(() => areAll(world, expected, 'true'), 'a delivery of each', 120_000)
  },
}

const commands: fc.Arbitrary<Command> = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 1, max: 4 }).map(raise) },
  { weight: 6, arbitrary: fc.constant(raiseUntilFirst) },
  {
    weight: 6,
    arbitrary: fc
      .tuple(fc.integer({ min: 0, max: 2 }), fc.constantFrom<Mode>('succeed', 'fail', 'hold', 'hold'))
      .map(([endpoint, mode]) => respond(endpoint, mode)),
  },
  { weight: 2, arbitrary: fc.constant(loseLease) },
  { weight: 2, arbitrary: fc.integer({ min: 0, max: 1 }).map(cutNode) },
  { weight: 3, arbitrary: fc.constant(startNode) },
  { weight: 2, arbitrary: fc.integer({ min: 0, max: 1 }).map(loseCommit) },
  {
    weight: 3,
    arbitrary: fc
      .tuple(
        fc.integer({ min: 0, max: 2 }),
        fc.constantFrom('disable' as const, 'enable' as const, 'rotate' as const, 'update' as const),
      )
      .map(([endpoint, to]) => change(endpoint, to)),
  },
  { weight: 3, arbitrary: fc.constant(settle) },
)

class Checked implements fc.AsyncCommand<Expected, World> {
  readonly #command: Command

  constructor(command: Command) {
    this.#command = command
  }
  check(): boolean {
    return true
  }
  async run(expected: Expected, world: World): Promise<void> {
    await this.#command.run(expected, world)
    await world.check(expected)
  }
  toString(): string {
    return this.#command.text
  }
}

/** All endpoints accept everything, and a node lives that nothing happens to. */
async function heal(expected: Expected, world: World): Promise<void> {
  for (const index of ENDPOINTS.keys()) world.respond(index, 'succeed')
  for (const node of world.nodes) world.cut(node)
  for (const endpoint of expected.disabled)
    await world.host.sender.endpoints.enable(world.endpointIds[endpoint] as string)
  await world.startNode()
  const succeeded = `d.state = 'succeeded'`
  await waitFor(() => areAll(world, expected, succeeded), 'everything to be delivered', 120_000)
  await world.check(expected)
  for (const [endpoint, entities] of expected.must) {
    // At least once, whatever was recorded.
    expect([...entities].filter((entity) => !world.accepted[endpoint]?.has(entity))).toEqual([])
  }
}

it('delivers at least once, none foreign, in order, and moves no position beyond what is recorded or stored', async () => {
  let events = 0
  await fc.assert(
    fc.asyncProperty(
      fc.commands([commands.map((command) => new Checked(command))], { size: '+1', maxCommands: 25 }),
      async (course) => {
        const expected: Expected = {
          raised: [],
          must: new Map(ENDPOINTS.map((_, index) => [index, new Set<number>()])),
          disabled: new Set(),
        }
        await using world = await openWorld(expected)
        await world.startNode()
        await fc.asyncModelRun(() => ({ model: expected, real: world }), course)
        await heal(expected, world)
        events += expected.raised.length
      },
    ),
    { numRuns: testDialect() === 'sqlite' ? 8 : 4, endOnFailure: true },
  )
  expect(events, 'something was raised').toBeGreaterThan(0)
}, 600_000)
