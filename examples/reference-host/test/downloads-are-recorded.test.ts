import { waitFor } from '@x/testkit'
import { expect } from 'vitest'
import { FileDownloadEventSubscriber } from '../src/subscribers/file-download-event-subscriber.ts'
import { onEachDatabase } from './each-database.ts'
import { jsonOf, openTestHost, type TestHost, upload } from './open-test-host.ts'

async function downloads(host: TestHost): Promise<{ eventId: string }[]> {
  return jsonOf(host.send('/api/File/1/downloads'))
}

onEachDatabase(
  'raises a download, and the subscriber notes it under the id that the answer told',
  async () => {
    await using host = await openTestHost()
    await upload(host, 'a.txt', 'content')

    const { headers } = await host.send('/api/File/download/1', { token: undefined })

    const [noted] = await waitFor(async () => {
      const found = await downloads(host)
      return found.length > 0 && found
    }, 'the download to be noted')
    expect(noted).toMatchObject({ eventId: headers.get('x-event-id'), fileId: 1, fileName: 'a.txt' })
    const raised = (await host.events()).filter(({ action }) => action === 'Download')
    expect(raised).toMatchObject([
      { id: headers.get('x-event-id'), tenantId: 1, siteId: 1, data: { name: 'a.txt' } },
    ])
  },
)

onEachDatabase('notes a download once, however often its event is handled', async () => {
  await using host = await openTestHost()
  await upload(host, 'a.txt', 'content')
  await host.send('/api/File/download/1')
  await waitFor(async () => (await downloads(host)).length === 1, 'the download to be noted')

  const [event] = (await host.events()).filter(({ action }) => action === 'Download')
  const subscriber = new FileDownloadEventSubscriber(host.host.serviceScopeFactory)
  if (event) await subscriber.entityChanged(event)
  expect(await downloads(host)).toHaveLength(1)
})

onEachDatabase('raises nothing when only the headers are asked for, or nothing is found', async () => {
  await using host = await openTestHost()
  await upload(host, 'a.txt', 'content')
  const head = await host.send('/api/File/download/1', { method: 'HEAD' })
  expect(head.headers.get('content-length')).toBe('7')
  expect((await host.send('/api/File/download/2')).status).toBe(404)
  expect((await host.events()).filter(({ action }) => action === 'Download')).toEqual([])
})

onEachDatabase('shows the downloads to admins alone', async () => {
  await using host = await openTestHost()
  await upload(host, 'a.txt', 'content')
  expect((await host.send('/api/File/1/downloads', { token: undefined })).status).toBe(401)
})

onEachDatabase('lets the subscriber pass over a file that was deleted since', async () => {
  await using host = await openTestHost()
  await upload(host, 'a.txt', 'content')
  const { engine } = host.host.services
  await engine.subscriptions.pause('file-download')
  await host.send('/api/File/download/1')
  await host.send('/api/File/1', { method: 'DELETE' })
  await engine.subscriptions.resume('file-download')
  await host.events()
  expect(await engine.subscriptions.parked('file-download')).toEqual([])
})
