import { createHmac } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { createContext, runInContext } from 'node:vm'
import { build, type Rolldown } from 'vite'
import { describe, expect, it } from 'vitest'
import type * as receiverModule from '../src/index.ts'
import type * as schemesModule from '../src/schemes.ts'
import { signedHeaders } from '../src/testing.ts'
import { payloadOf, request, secret } from './messages.ts'

type ReceiverModule = typeof receiverModule

async function bundle(minify = false, file = 'index.ts'): Promise<string> {
  const entry = fileURLToPath(new URL(`../src/${file}`, import.meta.url))
  const outputs = (await build({
    configFile: false,
    logLevel: 'silent',
    resolve: { conditions: ['@x/source'] },
    build: { write: false, minify, lib: { entry, formats: ['iife'], name: 'receiver' } },
  })) as Rolldown.RolldownOutput[]
  return outputs.flatMap(({ output }) => output.map((file) => ('code' in file ? file.code : ''))).join('\n')
}

const webOnly = {
  crypto,
  URL,
  URLSearchParams,
  fetch,
  TextEncoder,
  TextDecoder,
  btoa,
  atob,
  Response,
  Headers,
  setTimeout,
  clearTimeout,
}

async function load<TModule = ReceiverModule>(code: string): Promise<TModule> {
  const context = createContext({ ...webOnly })
  runInContext(code, context)
  return runInContext('receiver', context)
}

describe('without anything of Node', async () => {
  const { createReceiver, Webhook } = await load(await bundle())

  it('receives a request', async () => {
    const receiver = createReceiver({ secrets: secret })
    const types: string[] = []
    receiver.on('File.*', (event) => types.push(event.type))
    expect((await receiver.handle(request())).status).toBe(204)
    expect((await receiver.handle(request({ id: 'x', secret: receiverSecret }))).status).toBe(401)
    expect(types).toEqual(['File.Create'])
  })

  it('verifies with the drop-in class at once', () => {
    const body = JSON.stringify(payloadOf('File.Create'))
    expect(new Webhook(secret).verify(body, signedHeaders({ secret, body }))).toMatchObject({
      type: 'File.Create',
    })
  })

  it('says that verifySync has to wait there', () => {
    const receiver = createReceiver({ secrets: secret })
    const body = JSON.stringify(payloadOf('File.Create'))
    expect(() => receiver.verifySync(body, signedHeaders({ secret, body }))).toThrow(/await receiver\.verify/)
  })
})

it('receives from other senders there', async () => {
  const { createReceiver } = await load(await bundle())
  const { github } = await load<typeof schemesModule>(await bundle(false, 'schemes.ts'))
  const body = '{"action":"opened"}'
  const signature = createHmac('sha256', 'secret').update(body).digest('hex')
  const headers = {
    'content-type': 'application/json',
    'x-github-event': 'issues',
    'x-hub-signature-256': `sha256=${signature}`,
  }
  const receive = (secret: string) =>
    createReceiver({ scheme: github({ secret }) }).handle(
      new Request('https://consumer.test/', { method: 'POST', headers, body }),
    )
  expect([(await receive('secret')).status, (await receive('other')).status]).toEqual([200, 401])
})

const receiverSecret = `whsec_${Buffer.alloc(32, 1).toString('base64')}`

it('is known by its errors even when names are minified', async () => {
  const { createReceiver } = await load(await bundle(true))
  const receiver = createReceiver({ secrets: secret })
  await expect(receiver.verify('{}', {})).rejects.toMatchObject({
    name: 'WebhookVerificationError',
    code: 'missing_header',
  })
})
