import { hostileErrors, testConsumer, waitFor } from '@x/testkit'
import { expect } from 'vitest'
import { it } from '../each-database.ts'
import { type OpenHost, openHost, site, startHost } from '../open-host.ts'

const quick = { maxAttempts: 2, firstDelayMs: 0, maxDelayMs: 0 }
const raise = (host: OpenHost, id: number) =>
  host.engine.syncManager.addSyncEvent(site, 'File', id, 'Download')
const parkedIds = async (host: OpenHost) =>
  (await host.engine.subscriptions.parked('webhooks')).map(({ event }) => event.entityId)

/** Throws what belongs to an event; nothing where there is none. */
function throwFor(entityId: unknown): void {
  const hostile = hostileErrors[Number(entityId)]
  if (hostile) throw hostile[1]()
}
const ids = hostileErrors.map((_, id) => id)

it('parks what render cannot make, whatever it throws, and sends the webhook behind it', async () => {
  await using host = await startHost({
    renderRetry: quick,
    render: ({ entityId }) => {
      throwFor(entityId)
      return { entityId }
    },
  })
  await using consumer = await testConsumer()
  await host.sender.endpoints.create({ tenantId: 1, url: consumer.url })
  for (const id of [...ids, ids.length]) await raise(host, id)
  await consumer.received(1)
  expect(await parkedIds(host)).toEqual(ids)
  const [first] = await host.engine.subscriptions.parked('webhooks')
  expect(first).toMatchObject({ attempts: 2, error: expect.stringContaining('options.render has failed') })
})

it('parks an event whose ordering key cannot be told, and leaves it out of a replay', async () => {
  let isBroken = false
  const byCustomer = ({ entityId }: { readonly entityId: unknown }) => {
    if (isBroken) throwFor(entityId)
    return 'one'
  }
  await using host = await startHost({ renderRetry: quick, orderingKeys: { byCustomer } })
  await using consumer = await testConsumer()
  const { endpoint: early } = await host.sender.endpoints.create({
    tenantId: 1,
    url: consumer.url,
    ordering: { by: 'byCustomer' },
  })
  await raise(host, 0)
  await consumer.received(1)
  isBroken = true
  const parked = await raise(host, 0)
  const last = await raise(host, ids.length)
  await waitFor(async () => (await parkedIds(host)).length === 1, 'the event to be parked')
  await consumer.received(2)

  const { endpoint } = await host.sender.endpoints.create({
    tenantId: 1,
    url: consumer.url,
    ordering: { by: 'byCustomer' },
  })
  expect(endpoint.id).not.toBe(early.id)
  const { id } = await host.sender.deliveries.replay(endpoint.id, { since: new Date(0), include: 'missing' })
  const ended = await waitFor(async () => {
    const job = await host.sender.jobs.get(id)
    return job.state !== 'running' && job
  }, 'the replay to end')
  expect(ended.state).toBe('succeeded')
  const replayed = await host.sender.deliveries.list({ tenantId: 1, endpointId: endpoint.id })
  expect(replayed.map(({ eventId }) => eventId)).toContain(last.id)
  expect(replayed.map(({ eventId }) => eventId)).not.toContain(parked.id)
})

it('puts an attempt off when canReceive throws, whatever it is', async () => {
  let isBroken = true
  await using host = await startHost({
    retrySchedule: [0, 0],
    canReceive: ({ metadata }, { entityId }) => {
      if (isBroken && metadata['kind'] === 'checked') throwFor(entityId)
      return true
    },
  })
  await using consumer = await testConsumer()
  const { endpoint } = await host.sender.endpoints.create({
    tenantId: 1,
    url: consumer.url,
    metadata: { kind: 'checked' },
  })
  await raise(
    host,
    hostileErrors.findIndex(([what]) => what === 'a message that throws'),
  )
  await waitFor(async () => {
    const [delivery] = await host.sender.deliveries.list({ tenantId: 1, endpointId: endpoint.id })
    return delivery?.lastErrorCode === 'check_failed'
  }, 'the attempt to be put off')
  isBroken = false
  await host.sender.endpoints.disable(endpoint.id)
  await host.sender.endpoints.enable(endpoint.id)
  await consumer.received(1)
})

it('asks an owner whose response is hostile, and says that it has not proved anything', async () => {
  await using host = await startHost()
  await using consumer = await testConsumer()
  for (const signature of [{ toString: 1 }, null, 7, [], '\0', '\ud800']) {
    consumer.answer(({ rawBody }) => {
      const { token } = JSON.parse(String(rawBody)).data.entity
      return { status: 200, body: JSON.stringify({ token, signature }) }
    })
    const { endpoint } = await host.sender.endpoints.create({
      tenantId: 1,
      url: consumer.url,
      verifyOwnership: true,
      secret: `whsec_${Buffer.alloc(32, 7).toString('base64')}`,
    })
    await expect(host.sender.endpoints.verify(endpoint.id)).rejects.toMatchObject({
      code: 'ownership_not_proved',
    })
  }
})

it('finds nothing under an id that cannot be stored, and refuses a filter that cannot be one', async () => {
  await using host = await openHost()
  const { endpoints, deliveries, jobs, sendTest } = host.sender
  const since = new Date(0)
  for (const id of ['\0', 'ep_\0', '\ud800', 'dlv_1_1\0', 'dlv_01_1', '', undefined, null, {}] as string[]) {
    const lookUps: readonly (readonly [() => Promise<unknown>, string])[] = [
      [() => endpoints.get(id), 'endpoint_not_found'],
      [() => endpoints.update(id, { description: '' }), 'endpoint_not_found'],
      [() => endpoints.delete(id), 'endpoint_not_found'],
      [() => endpoints.enable(id), 'endpoint_not_found'],
      [() => endpoints.disable(id), 'endpoint_not_found'],
      [() => endpoints.verify(id), 'endpoint_not_found'],
      [() => endpoints.secrets(id), 'endpoint_not_found'],
      [() => endpoints.publicKey(id), 'endpoint_not_found'],
      [() => endpoints.rotateSecret(id), 'endpoint_not_found'],
      [() => endpoints.statistics(id, { since, until: new Date(1) }), 'endpoint_not_found'],
      [() => sendTest(id), 'endpoint_not_found'],
      [() => deliveries.recover(id, { since }), 'endpoint_not_found'],
      [() => deliveries.replay(id, { since }), 'endpoint_not_found'],
      [() => deliveries.cancelPending(id), 'endpoint_not_found'],
      [() => deliveries.get(id), 'delivery_not_found'],
      [() => deliveries.resend(id), 'delivery_not_found'],
      [() => deliveries.cancel(id), 'delivery_not_found'],
      [() => jobs.get(id), 'job_not_found'],
      [() => jobs.cancel(id), 'job_not_found'],
    ]
    for (const [lookUp, code] of lookUps) await expect(lookUp()).rejects.toMatchObject({ code })
  }
  for (const text of ['\0', '\ud800', 7, {}] as string[]) {
    const lists: readonly (readonly [() => Promise<unknown>, string])[] = [
      [() => endpoints.list({ tenantId: 1, before: text }), 'endpoint_not_found'],
      [() => jobs.list({ tenantId: 1, before: text }), 'job_not_found'],
      [() => deliveries.list({ tenantId: 1, eventType: text }), 'invalid_argument'],
      [() => deliveries.list({ tenantId: 1, before: text }), 'invalid_argument'],
      [() => deliveries.list({ tenantId: 1, state: text as never }), 'invalid_argument'],
    ]
    for (const [list, code] of lists) await expect(list()).rejects.toMatchObject({ code })
    for (const { list } of [jobs, deliveries]) {
      const listing = list({ tenantId: 1, endpointId: text })
      // No endpoint has such an id, so nothing is found; what is no text at all is a mistake.
      if (typeof text === 'string') expect(await listing).toEqual([])
      else await expect(listing).rejects.toMatchObject({ code: 'invalid_argument' })
    }
  }
})

it('refuses fields that cannot be stored, and stores nothing', async () => {
  await using host = await openHost()
  const { endpoints } = host.sender
  const url = 'https://example.com/hook'
  for (const text of ['\0', 'a\ud800']) {
    const inputs: readonly object[] = [
      { url, description: text },
      { url, headers: { 'x-own': text } },
      { url, headers: { [`x${text}`]: 'y' } },
      { url, metadata: { text } },
      { url, metadata: { [`x${text}`]: 'y' } },
      { url, eventTypes: [`File.${text}`] },
      { url, ordering: { by: text } },
      { url, format: text },
      { url, payloadVersion: text },
      { url, secret: `whsec_${text}` },
      { url, clientCertificate: { certificate: text, key: text } },
      { url: text },
    ]
    for (const input of inputs) {
      const creating = endpoints.create({ tenantId: 1, ...input } as never)
      await expect(creating, JSON.stringify(input)).rejects.toMatchObject({
        code: expect.stringMatching(/^invalid_/),
        field: expect.any(String),
      })
    }
    expect(() => host.sender.eventTypes.define({ type: `File.${text}`, description: 'x' })).toThrow(/type/)
  }
  expect(await endpoints.list({ tenantId: 1 })).toEqual([])
})
