import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { temporaryFolder, testConsumer, waitFor } from '@x/testkit'
import { describe, expect, it } from 'vitest'
import { createReceiver, generateSecret } from '../../src/index.ts'
import { runCli, startCli } from '../cli-process.ts'
import { ENDPOINT, eventsServer, KEY } from './events-server.ts'

const secret = generateSecret()
const env = { WEBHOOK_KEY: KEY }
const message = (number: number) => ({
  id: `evt_${number}`,
  body: JSON.stringify({ type: 'File.Create', timestamp: 't', data: { number } }),
})

describe('x-receiver listen --url', () => {
  it('sends on what is new, as it would have arrived', async () => {
    await using server = await eventsServer(secret)
    await using consumer = await testConsumer()
    server.add(message(1))
    const args = ['listen', '--url', server.url, '--endpoint', ENDPOINT, '--forward-to', consumer.url]
    await using cli = startCli([...args, '--secret', secret], { env })
    await waitFor(() => server.waiting === 1, 'a request that waits')
    server.add(message(2), message(3))
    const [second, third] = await consumer.received(2)
    expect([second?.method, second?.rawBody.toString()]).toEqual(['POST', message(2).body])
    const { verify } = createReceiver({ secrets: secret })
    expect(await verify(second?.rawBody ?? '', second?.headers as never)).toMatchObject({ id: 'evt_2' })
    expect(await verify(third?.rawBody ?? '', third?.headers as never)).toMatchObject({ id: 'evt_3' })
    await cli.says('evt_2 File.Create')
    await cli.says('-> 204')
    cli.interrupt()
    expect(await cli.ended()).toMatchObject({ code: 0, errors: '' })
    expect(consumer.requests).toHaveLength(2)
  })

  it('repeats what fails, in order, and keeps its place', async () => {
    await using server = await eventsServer(secret)
    await using consumer = await testConsumer()
    await using folder = await temporaryFolder()
    const state = join(folder.path, 'place.json')
    server.add(message(1), message(2))
    let refusals = 2
    consumer.answer(() => (refusals-- > 0 ? 500 : 204))
    const args = ['listen', '--url', server.url, '--endpoint', ENDPOINT, '--forward-to', consumer.url]
    const all = [...args, '--state', state, '--after', '0']
    {
      await using cli = startCli(all, { env })
      await consumer.received(4)
      await waitFor(async () => JSON.parse(await readFile(state, 'utf8')).after === '2', 'the place')
      cli.interrupt()
      const { output } = await cli.ended()
      expect(output).toContain('-> 500')
    }
    const ids = consumer.requests.map(({ headers }) => headers['webhook-id'])
    expect(ids).toEqual(['evt_1', 'evt_1', 'evt_1', 'evt_2'])
    server.add(message(3))
    await using again = startCli(all, { env })
    await consumer.received(5)
    expect(consumer.requests[4]?.headers['webhook-id']).toBe('evt_3')
    again.interrupt()
    expect(await again.ended()).toMatchObject({ code: 0 })
  })

  it('waits for a server that is not there yet, and begins with the message that it has not got', async () => {
    await using server = await eventsServer(secret)
    const args = ['listen', '--url', server.url, '--endpoint', ENDPOINT]
    await using cli = startCli([...args, '--forward-to', 'http://127.0.0.1:1/hook'], { env })
    await waitFor(() => server.waiting === 1, 'a request that waits')
    server.add(message(1), message(2))
    await waitFor(() => server.queries.length >= 2, 'another look')
    expect(server.queries.map((query) => query.get('after')).slice(0, 2)).toEqual(['latest', '0'])
    expect(cli.output()).not.toContain('evt_2')
    cli.interrupt()
    expect(await cli.ended()).toMatchObject({ code: 0 })
  })

  it.each([
    [['--url', 'http://localhost/', '--endpoint', 'ep_1', '--port', '4000'], '--port is for'],
    [['--endpoint', 'ep_1'], 'give --url as well'],
    [['--state', 'x'], 'give --url as well'],
  ])('ends with 2 when it is called with %j', async (args, why) => {
    const { code, errors } = await runCli(['listen', ...args], { env })
    expect(code).toBe(2)
    expect(errors).toContain(why)
  })
})
