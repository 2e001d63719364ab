import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { temporaryFolder, testConsumer } from '@x/testkit'
import { describe, expect, it } from 'vitest'
import { createReceiver, generateSecret } from '../src/index.ts'
import { sendWebhook, signedHeaders } from '../src/testing.ts'
import { runCli, startCli } from './cli-process.ts'

const secret = generateSecret()
const body = JSON.stringify({ type: 'File.Create', timestamp: 't', data: { text: 'Grüße' } })

describe('x-receiver send', () => {
  it('sends what a receiver accepts, and shows the answer', async () => {
    await using consumer = await testConsumer()
    consumer.answer(() => ({ status: 202, body: 'thanks' }))
    const args = ['send', consumer.url, '--type', 'Invoice.Create', '--data', '{"total":1}', '--id', 'evt_7']
    const { code, output } = await runCli([...args, '--secret', secret])
    expect([code, output]).toEqual([0, '202 Accepted\nthanks\n'])
    const [request] = consumer.requests
    const event = await createReceiver({ secrets: secret }).verify(
      request?.rawBody ?? '',
      request?.headers as never,
    )
    expect(event).toMatchObject({ type: 'Invoice.Create', id: 'evt_7', data: { total: 1 } })
  })

  it('sends bytes from a pipe as they are, and fails with whoever refuses them', async () => {
    await using consumer = await testConsumer()
    consumer.answer(401)
    const options = { input: `\ufeff${body}\n`, env: { WEBHOOK_SECRET: secret } }
    const args = ['send', consumer.url, '--body', '-', '--timestamp', '1790000000']
    expect(await runCli(args, options)).toMatchObject({ code: 1, output: '401 Unauthorized\n' })
    expect(consumer.requests[0]?.rawBody.toString()).toBe(`\ufeff${body}\n`)
    expect(consumer.requests[0]?.headers['webhook-timestamp']).toBe('1790000000')
  })

  it('says that nobody answers', async () => {
    const { code, errors } = await runCli(['send', 'http://127.0.0.1:1/', '--secret', secret])
    expect(code).toBe(1)
    expect(errors).toContain('no response from http://127.0.0.1:1/')
  })
})

describe('x-receiver verify', () => {
  async function verifying(captured: { body: string | Buffer; headers: string }) {
    await using folder = await temporaryFolder()
    const files = { body: join(folder.path, 'body'), headers: join(folder.path, 'headers') }
    await writeFile(files.body, captured.body)
    await writeFile(files.headers, captured.headers)
    return await runCli(['verify', '--secret', secret, '--body', files.body, '--headers', files.headers])
  }
  const linesOf = (headers: Record<string, string>) =>
    Object.entries(headers)
      .map(([name, value]) => `< ${name}: ${value}\r`)
      .join('\n')

  it('says that a message verifies', async () => {
    const headers = linesOf(signedHeaders({ secret, body }))
    expect(await verifying({ body, headers })).toMatchObject({ code: 0, output: 'It verifies.\n' })
    const asJson = JSON.stringify(signedHeaders({ secret, body }))
    expect(await verifying({ body, headers: asJson })).toMatchObject({ code: 0 })
  })

  it('says what was done to the body', async () => {
    const headers = linesOf(signedHeaders({ secret, body: JSON.stringify(JSON.parse(body), null, 2) }))
    const { code, output } = await verifying({ body, headers })
    expect(code).toBe(1)
    expect(output).toContain('no_matching_signature')
    expect(output).toContain('parsed and written again')
  })

  it('reads from a pipe', async () => {
    const headers = Object.entries(signedHeaders({ secret, body })).flatMap(([name, value]) => [
      '--header',
      `${name}: ${value}`,
    ])
    const args = ['verify', '--secret', secret, '--body', '-', ...headers]
    expect(await runCli(args, { input: body })).toMatchObject({ code: 0 })
  })
})

describe('x-receiver listen', () => {
  it('shows what arrives, sends it on unchanged, and ends when it is told to', async () => {
    await using consumer = await testConsumer()
    await using cli = startCli(['listen', '--port', '0', '--secret', secret, '--forward-to', consumer.url])
    const url = await cli.says('Listening at ')
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/$/)
    const message = { secret, id: 'evt_1', body }
    expect((await sendWebhook(url, message)).status).toBe(204)
    await cli.says('evt_1 File.Create')
    const [forwarded] = await consumer.received(1)
    expect(forwarded?.rawBody.toString()).toBe(body)
    const event = await createReceiver({ secrets: secret }).verify(body, forwarded?.headers as never)
    expect(event.id).toBe('evt_1')

    consumer.answer(503)
    expect((await sendWebhook(url, message)).status).toBe(500)
    expect((await sendWebhook(url, { ...message, secret: generateSecret() })).status).toBe(401)
    await cli.says('401 No signature fits')
    expect(consumer.requests).toHaveLength(2)
    cli.interrupt()
    expect(await cli.ended()).toMatchObject({ code: 0, errors: '' })
  })

  it('makes up a secret when it is given none', async () => {
    await using cli = startCli(['listen', '--port', '0'])
    const url = await cli.says('Listening at ')
    const itsSecret = await cli.says('Sign with this secret: ')
    expect((await sendWebhook(url, { secret: itsSecret, body })).status).toBe(204)
  })
})

describe('x-receiver', () => {
  it('says how to call it', async () => {
    expect(await runCli(['--help'])).toMatchObject({ code: 0, output: expect.stringContaining('listen') })
    expect(await runCli([])).toMatchObject({ code: 2, errors: expect.stringContaining('x-receiver send') })
  })

  it.each([
    [['nonsense'], 'There is no command "nonsense"'],
    [['toString'], 'There is no command "toString"'],
    [['send', 'http://localhost/'], 'give --secret'],
    [['send', 'nonsense', '--secret', secret], 'give one URL'],
    [['send', 'http://localhost/', '--secret', 'whsec_AAAA'], 'must have 24 to 64 bytes'],
    [['send', 'http://localhost/', '--secret', secret, '--data', '{'], '--data must be JSON'],
    [['send', 'http://localhost/', '--secret', secret, '--timestamp', 'now'], '--timestamp must be'],
    [['verify', '--secret', secret], 'give --body'],
    [['verify', '--secret', secret, '--body', '-'], 'give --headers'],
    [['listen', '--port', 'x'], '--port must be'],
    [['listen', '--forward-to', 'x'], '--forward-to must be'],
    [['listen', '--nonsense'], '--nonsense'],
  ])('ends with 2 when it is called as %j', async (args, why) => {
    const { code, errors } = await runCli(args)
    expect(code).toBe(2)
    expect(errors).toContain(why)
  })
})
