import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { temporaryFolder, waitFor } from '@x/testkit'
import { describe, expect, it } from 'vitest'
import { generateSecret } from '../../src/index.ts'
import { runCli, startCli } from '../cli-process.ts'
import { ENDPOINT, eventsServer, KEY, type StoredMessage } from './events-server.ts'

const secret = generateSecret()
const env = { WEBHOOK_KEY: KEY }
const message = (number: number): StoredMessage => ({
  id: `evt_${number}`,
  body: JSON.stringify({ type: 'File.Create', data: { number, text: 'Grüße' } }),
})
const messages = (count: number) => Array.from({ length: count }, (_, index) => message(index + 1))
const linesOf = (output: string) =>
  output
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as { sequence: number; id: string; body: string })
const numbersOf = (output: string) => linesOf(output).map(({ sequence }) => sequence)

describe('x-receiver pull', () => {
  it('prints every message once, with the key from the environment or an option', async () => {
    await using server = await eventsServer(secret)
    server.add(...messages(600))
    const args = ['pull', '--url', server.url, '--endpoint', ENDPOINT]
    const { code, output, errors } = await runCli(args, { env })
    expect([code, errors]).toEqual([0, ''])
    expect(linesOf(output).map(({ id, body }) => ({ id, body }))).toEqual(messages(600))
    expect(server.queries.map(String)).toEqual(['limit=250', 'after=250&limit=250', 'after=500&limit=250'])

    const whole = `${server.url}/endpoints/${ENDPOINT}/messages`
    const some = await runCli(['pull', '--url', whole, '--key', KEY, '--after', '590', '--limit', '4'])
    expect(numbersOf(some.output)).toEqual([591, 592, 593, 594])
    const none = await runCli(['pull', '--url', whole, '--key', KEY, '--after', 'latest'])
    expect(none).toEqual({ code: 0, output: '', errors: '' })
  })

  it('keeps its place in a file, and goes on there', async () => {
    await using server = await eventsServer(secret)
    await using folder = await temporaryFolder()
    const state = join(folder.path, 'place.json')
    const args = ['pull', '--url', server.url, '--endpoint', ENDPOINT, '--state', state, '--after', '1']
    server.add(...messages(3))
    expect(numbersOf((await runCli(args, { env })).output)).toEqual([2, 3])
    expect(await runCli(args, { env })).toMatchObject({ code: 0, output: '' })
    server.add(message(4), message(5))
    expect(numbersOf((await runCli([...args, '--limit', '1'], { env })).output)).toEqual([4])
    expect(JSON.parse(await readFile(state, 'utf8'))).toMatchObject({ after: '4' })
    expect(numbersOf((await runCli(args, { env })).output)).toEqual([5])

    const other = await runCli([...args, '--endpoint', 'ep_other'], { env })
    expect(other).toMatchObject({ code: 2, errors: expect.stringContaining('give another one') })
    await writeFile(state, 'nonsense')
    expect(await runCli(args, { env })).toMatchObject({ code: 1, errors: expect.stringContaining(state) })
  })

  it('says so where --after is not used, since --state has a place already', async () => {
    await using server = await eventsServer(secret)
    await using folder = await temporaryFolder()
    const state = join(folder.path, 'place.json')
    const args = ['pull', '--url', server.url, '--endpoint', ENDPOINT, '--state', state]
    server.add(...messages(4))
    expect(await runCli([...args, '--after', '1', '--limit', '1'], { env })).toMatchObject({ errors: '' })
    const { code, output, errors } = await runCli([...args, '--after', '3', '--limit', '1'], { env })
    expect([code, numbersOf(output)]).toEqual([0, [3]])
    expect(errors).toBe(`Going on after 2, as ${state} says, and not after 3; delete it to begin there.\n`)
    expect(await runCli([...args, '--after', '3'], { env })).toMatchObject({ code: 0, errors: '' })
  })

  it('loses nothing when it is killed while it reads', async () => {
    await using server = await eventsServer(secret)
    await using folder = await temporaryFolder()
    const state = join(folder.path, 'place.json')
    const args = ['pull', '--url', server.url, '--endpoint', ENDPOINT, '--state', state, '--follow']
    const got = new Set<number>()
    let added = 0
    for (let round = 1; round <= 3; round++) {
      await using cli = startCli(args, { env })
      server.add(...Array.from({ length: 40 }, () => message(++added)))
      await waitFor(() => cli.output().split('\n').length > 5, 'some messages')
      server.add(...Array.from({ length: 40 }, () => message(++added)))
      await cli.kill()
      // What was cut off in its middle is no line.
      for (const line of cli.output().split('\n').slice(0, -1)) got.add(JSON.parse(line).sequence)
    }
    const rest = await runCli(args.slice(0, -1), { env })
    for (const number of numbersOf(rest.output)) got.add(number)
    expect([...got].sort((a, b) => a - b)).toEqual(Array.from({ length: added }, (_, index) => index + 1))
  })

  it('verifies with a secret, and stops in front of what does not', async () => {
    await using server = await eventsServer(secret)
    await using folder = await temporaryFolder()
    const state = join(folder.path, 'place.json')
    server.add(...messages(2))
    const args = ['pull', '--url', server.url, '--endpoint', ENDPOINT, '--state', state]
    const wrong = await runCli([...args, '--secret', generateSecret()], { env })
    expect(wrong).toMatchObject({ code: 1, output: '' })
    expect(wrong.errors).toContain('message 1 (evt_1) does not verify')
    const right = await runCli([...args, '--secret', secret], { env })
    expect([right.code, numbersOf(right.output)]).toEqual([0, [1, 2]])
  })

  it('follows until it is interrupted, whatever fails meanwhile', async () => {
    await using server = await eventsServer(secret)
    server.refuse({ status: 503 }, { status: 429, headers: { 'retry-after': '0' } })
    await using cli = startCli(['pull', '--url', server.url, '--endpoint', ENDPOINT, '--follow'], { env })
    await waitFor(() => server.waiting === 1, 'a request that waits')
    server.add(message(1))
    await cli.says('"evt_1"')
    await waitFor(() => server.waiting === 1, 'a request that waits')
    server.add(message(2))
    await cli.says('"evt_2"')
    cli.interrupt()
    const { code, output, errors } = await cli.ended()
    expect([code, numbersOf(output)]).toEqual([0, [1, 2]])
    expect(errors).toContain('answered 503; again in 0.5 s')
    expect(errors).toContain('answered 429')
  })

  it.each([
    [{ status: 401, body: { detail: 'The key is not valid.' } }, 'answered 401: The key is not valid.'],
    [{ status: 410, body: { detail: 'They are deleted.', first: 40 } }, 'comes with --after 39'],
    [
      { status: 308, headers: { location: 'https://other.example/events' } },
      'it is at https://other.example now',
    ],
    [{ status: 200, body: { signIn: true } }, 'is it the right --url?'],
  ])('ends with 1 where it is answered with %j, also when it follows', async (answer, why) => {
    await using server = await eventsServer(secret)
    server.refuse(answer)
    const args = ['pull', '--url', server.url, '--endpoint', ENDPOINT, '--follow']
    const { code, output, errors } = await runCli(args, { env })
    expect([code, output]).toEqual([1, ''])
    expect(errors).toContain(why)
  })

  it('says that nobody answers', async () => {
    const { code, errors } = await runCli(['pull', '--url', 'http://127.0.0.1:1/', '--endpoint', ENDPOINT], {
      env,
    })
    expect(code).toBe(1)
    expect(errors).toContain('no response from http://127.0.0.1:1')
    expect(errors).not.toContain(KEY)
  })

  it.each([
    [[], 'give --url'],
    [['--url', 'x'], 'give --url'],
    [['--url', 'http://localhost/'], 'give --endpoint'],
    [['--url', 'http://localhost/endpoints/ep_1/messages', '--endpoint', 'ep_1'], 'leave out --endpoint'],
    [['--url', 'http://localhost/', '--endpoint', 'ep_1', '--after', '01'], '--after must be'],
    [['--url', 'http://localhost/', '--endpoint', 'ep_1', '--limit', '0'], '--limit must be'],
    [['--url', 'http://localhost/', '--endpoint', 'ep_1', '--key', 'a b'], 'the key must be'],
  ])('ends with 2 when it is called with %j', async (args, why) => {
    const { code, errors } = await runCli(['pull', ...args], { env })
    expect(code).toBe(2)
    expect(errors).toContain(why)
  })

  it('asks for a key', async () => {
    const { code, errors } = await runCli(['pull', '--url', 'http://localhost/', '--endpoint', 'ep_1'])
    expect([code, errors]).toEqual([2, 'x-receiver pull: give --key whk_..., or set WEBHOOK_KEY\n'])
  })
})
