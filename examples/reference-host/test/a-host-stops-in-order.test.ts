import { request as sendRequest } from 'node:http'
import { temporaryFolder, waitFor } from '@x/testkit'
import { expect, it, vi } from 'vitest'
import { startMain } from './start-main.ts'

// Hosts in processes of their own take long to start where much else is going on.
vi.setConfig({ testTimeout: 240_000 })

it('is not ready first, ends streams and what is under way, and exits with 0', async () => {
  await using folder = await temporaryFolder()
  await using host = startMain({
    HOST_DATA_DIR: folder.path,
    ADMIN_TOKEN: 'the-token-of-a-test',
    SHUTDOWN_DELAY_MS: '2000',
  })
  const url = await host.ready()
  const ready = async () => (await fetch(`${url}/readyz`)).status
  expect(await ready()).toBe(200)
  const stream = (await fetch(`${url}/api/Sync/stream`)).body?.getReader()

  // A request whose body comes in halves: it is under way while the host stops.
  const body = JSON.stringify({ name: 'Home' })
  const slow = sendRequest(`${url}/api/Page`, {
    method: 'POST',
    headers: {
      authorization: 'Bearer the-token-of-a-test',
      'content-type': 'application/json',
      'content-length': body.length,
    },
  })
  const answered = new Promise<number | undefined>((resolve, reject) => {
    slow.on('response', (answer) => resolve(answer.resume().statusCode)).on('error', reject)
  })
  slow.write(body.slice(0, 5))

  const ended = host.end('SIGTERM')
  await waitFor(async () => (await ready()) === 503, 'not being ready')
  expect((await fetch(`${url}/healthz`)).status).toBe(200)
  expect((await fetch(`${url}/api/Site/1`)).status).toBe(200)
  const endOfStream = async () => {
    for (;;) if ((await stream?.read())?.done) return true
  }
  expect(await endOfStream()).toBe(true)
  slow.end(body.slice(5))
  expect(await answered).toBe(201)
  expect(await ended).toBe(0)
})
