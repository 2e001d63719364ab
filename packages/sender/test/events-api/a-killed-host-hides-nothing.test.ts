import { startProcess, type TestProcess, waitFor } from '@x/testkit'
import { expect } from 'vitest'
import { it } from '../each-database.ts'
import { encryptionKey, openHost } from '../open-host.ts'
import type { EventsHostOptions } from '../processes/events-host.ts'
import { type Page, pullEndpoint } from './serve-events.ts'

const KILLS = 3

it('gives each row of the host by one number, however often the host is killed meanwhile', async () => {
  await using host = await openHost()
  const { endpoint, key } = await pullEndpoint(host)
  const options: EventsHostOptions = {
    file: host.file,
    url: host.url,
    encryptionKey: encryptionKey.toString('hex'),
  }
  const start = () =>
    startProcess(new URL('../processes/events-host.ts', import.meta.url), JSON.stringify(options))
  const urlOf = ({ lines }: TestProcess) => lines.find((line) => line.startsWith('http'))
  let current = start()

  const numbers: number[] = []
  const entities: number[] = []
  let isOver = false
  async function readOn(): Promise<void> {
    const url = urlOf(current)
    const target = `${url}/endpoints/${endpoint.id}/messages?after=${numbers.length}&wait=5`
    const response = await fetch(target, { headers: { authorization: `Bearer ${key}` } })
    if (response.status !== 200) return
    const { messages } = (await response.json()) as Page
    for (const { sequence, body } of messages) {
      numbers.push(sequence)
      entities.push((JSON.parse(body) as { data: { entityId: number } }).data.entityId)
    }
  }
  const reading = (async () => {
    // The host may be dead, or not there yet.
    while (!isOver) {
      await readOn().catch(() => {})
      await new Promise(setImmediate)
    }
  })()

  try {
    for (let kill = 0; kill < KILLS; kill++) {
      const before = numbers.length
      await waitFor(() => numbers.length >= before + 25, `messages; ${current.errors}`)
      await current.kill()
      current = start()
    }
    await waitFor(() => current.lines.includes('added'), `the last host; ${current.errors}`)
    current.tell('enough')
    await waitFor(() => current.lines.includes('ended'), `its end; ${current.errors}`)
    const rows = await host.run<{ page_id: number }>('select page_id from page order by page_id')
    await waitFor(
      () => numbers.length >= rows.length,
      `all ${rows.length} messages, ${numbers.length} so far`,
    )
    isOver = true
    await reading
    expect(numbers).toEqual(rows.map((_, index) => index + 1))
    expect(entities.toSorted((a, b) => a - b)).toEqual(rows.map(({ page_id }) => Number(page_id)))
  } finally {
    isOver = true
    await current.kill()
    await reading
  }
})
