import type { PulledMessages } from '@x/sender'
import { expect, it } from 'vitest'
import { jsonOf, openTestHost, upload } from './open-test-host.ts'

it('lets a consumer read what it has no URL for', async () => {
  await using host = await openTestHost()
  const { endpoint } = await jsonOf<{ endpoint: { id: string } }>(
    host.send('/portal/api/endpoints', { body: { url: null, eventTypes: ['File.*'] } }),
  )
  const { key } = await jsonOf<{ key: string }>(
    host.send(`/portal/api/endpoints/${endpoint.id}/keys`, { method: 'POST' }),
  )
  const read = (authorization: string) =>
    fetch(`${host.host.url}/events/endpoints/${endpoint.id}/messages?after=0&wait=30`, {
      headers: { authorization },
    })
  const reading = read(`Bearer ${key}`)
  await upload(host, 'report.pdf', 'A report.')
  const { messages } = (await (await reading).json()) as PulledMessages
  expect(JSON.parse(messages[0]?.body ?? '')).toMatchObject({ type: 'File.Create' })
  expect((await read(`Bearer ${host.host.adminToken}`)).status).toBe(401)
})
