import { EntityNames } from '@x/events-core'
import { testConsumer, waitFor } from '@x/testkit'
import { expect } from 'vitest'
import { it } from '../each-database.ts'
import { type OpenHost, startHost } from '../open-host.ts'

const ENDPOINTS = 3
const EVENTS = 400

/** Deliveries that wait while the queue says that nothing of their endpoint is due, or only later. */
const LATE = `select d.endpoint_key, d.message_key, d.due_on, q.due_on as queued
  from xe_webhook_delivery d left join xe_webhook_queue q on q.endpoint_key = d.endpoint_key
  where d.state = 'pending' and d.due_on is not null and (q.due_on is null
    or q.due_on > case when d.due_on > q.not_before then d.due_on else q.not_before end)`

async function raiseAll(host: OpenHost): Promise<void> {
  for (let id = 0; id < EVENTS; id++) {
    await host.engine.transaction(({ raise }) =>
      raise({ tenantId: 1, siteId: 7 }, EntityNames.Page, id, 'Update'),
    )
  }
}

it('never leaves a delivery out, while some are stored and others recorded', async () => {
  await using consumer = await testConsumer()
  // Failures now and then: they are recorded with the time of the next try, successes mostly without a word.
  let request = 0
  consumer.answer(() => (++request % 5 === 0 ? 500 : 204))
  const retrySchedule = [0.02, 0.02, 0.02, 0.02, 0.02, 0.02, 0.02, 0.02]
  await using host = await startHost({ retrySchedule, reconcileEveryMs: 200 })
  for (let index = 0; index < ENDPOINTS; index++) {
    await host.sender.endpoints.create({ tenantId: 1, url: `${consumer.url}/${index}` })
  }
  let raised = false
  const raising = raiseAll(host).finally(() => {
    raised = true
  })
  let looks = 0
  while (!raised) {
    expect(await host.run(LATE)).toEqual([])
    looks += 1
  }
  await raising
  expect(looks).toBeGreaterThan(20)
  // What has not been sent yet need not be stored: only then is nothing pending for good.
  await host.sender.drain()
  await waitFor(async () => (await host.sender.stats()).deliveries.pending === 0, 'the last retry')
  const reconciliation = await waitFor(async () => {
    const { reconciliation: done } = await host.sender.stats()
    return done.runs > 0 && done
  }, 'a look through all of it')
  expect(reconciliation.repairs, 'found by the look through all of it').toBe(0)
  const bodies = new Set(consumer.requests.map(({ headers, path }) => `${headers['webhook-id']} ${path}`))
  expect(bodies.size).toBe(EVENTS * ENDPOINTS)
})
