import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { Validator } from '@seriousme/openapi-schema-validator'
import { testConsumer } from '@x/testkit'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { EventTypes } from '../../src/index.ts'
import { openHost, site, startHost } from '../open-host.ts'

const run = promisify(execFile)
const require = createRequire(import.meta.url)
const packageFolder = fileURLToPath(new URL('../..', import.meta.url))
const info = { title: 'Webhooks of Example', version: '2026-11' }

function defineAll({ define }: EventTypes): void {
  define({
    type: 'Invoice.Create',
    description: 'An invoice was made out.',
    schema: {
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      $id: 'https://example.com/invoice',
      type: 'object',
      properties: {
        total: { type: 'string' },
        lines: { type: 'array', items: { $ref: '#/$defs/line' } },
        corrects: { $ref: 'https://example.com/invoice#' },
        default: { $ref: '#/$defs/text', description: 'a member that is called like a keyword' },
      },
      required: ['total', 'lines'],
      additionalProperties: false,
      $defs: {
        line: {
          type: 'object',
          properties: {
            text: { $ref: '#/$defs/text' },
            parts: { type: 'array', items: { $ref: '#/$defs/line' } },
          },
          required: ['text'],
        },
        text: { type: 'string', minLength: 1 },
      },
    },
    example: { total: '12.50', lines: [{ text: 'Tea' }] },
  })
  define({ type: 'File.Delete', description: 'A file is gone.', deprecated: true })
}

it('is a document that a validator of OpenAPI 3.1 takes, the types of the sender included', async () => {
  await using host = await openHost()
  const { eventTypes } = host.sender
  defineAll(eventTypes)
  const document = eventTypes.openApi({ ...info, description: 'What we tell you.', builtIn: true })
  const validator = new Validator()
  expect(await validator.validate(structuredClone({ ...document }))).toEqual({ valid: true })
  expect(validator.version).toBe('3.1')
  expect(JSON.parse(JSON.stringify(document))).toEqual(document)
  expect(Object.keys(document.webhooks)).toEqual([
    'File.Delete',
    'Invoice.Create',
    'Webhook.Challenge',
    'Webhook.Test',
    'WebhookDelivery.Exhausted',
    'WebhookEndpoint.Disabled',
    'WebhookEndpoint.Failing',
    'WebhookEndpoint.Recovered',
  ])
  expect(document.webhooks['File.Delete']).toMatchObject({
    post: {
      deprecated: true,
      description: 'A file is gone.',
      responses: { '2XX': {}, 410: {}, default: {} },
    },
  })
  expect(Object.values(document.components['parameters'] ?? {})).toMatchObject([
    { name: 'webhook-id', in: 'header', required: true },
    { name: 'webhook-timestamp', in: 'header', required: true },
    { name: 'webhook-signature', in: 'header', required: true },
  ])
})

it.each(['title', 'version'])('wants a %s', async (field) => {
  await using host = await openHost()
  const describe = () => host.sender.eventTypes.openApi({ ...info, [field]: '' })
  expect(describe).toThrow(expect.objectContaining({ code: 'invalid_argument', field }))
})

it('describes, and shows, what is really sent', async () => {
  await using host = await startHost()
  await using consumer = await testConsumer()
  defineAll(host.sender.eventTypes)
  await host.sender.endpoints.create({ tenantId: 1, url: consumer.url })
  const raise = host.engine.syncManager.addSyncEvent.bind(host.engine.syncManager)
  const entity = { total: '1', lines: [{ text: 'Tea', parts: [{ text: 'Leaf' }] }] }
  await raise(site, 'Invoice' as never, 3, 'Create', { data: entity as never })
  await raise(site, 'File', 12, 'Delete')
  await raise(site, 'Invoice' as never, 4, 'Create', { data: { total: '1', lines: [{ text: '' }] } as never })
  const [full, thin, wrong] = (await consumer.received(3)).map(({ rawBody }) => JSON.parse(String(rawBody)))

  const document = host.sender.eventTypes.openApi(info)
  const ajv = new Ajv2020({ strict: false, validateFormats: false })
  ajv.addSchema(document, 'document')
  const fits = (type: string, body: unknown) =>
    ajv.validate({ $ref: `document#/components/schemas/${type}` }, body)
  expect(fits('Invoice.Create', full)).toBe(true)
  expect(fits('File.Delete', thin)).toBe(true)
  expect(fits('Invoice.Create', thin)).toBe(false)
  expect(fits('Invoice.Create', wrong)).toBe(false)
  for (const [type, webhook] of Object.entries(document.webhooks)) {
    const { post } = webhook as { post: { requestBody: { content: Record<string, { examples: object }> } } }
    const [example] = Object.values(post.requestBody.content['application/json']?.examples ?? {})
    expect(fits(type, example.value)).toBe(true)
  }
})

const consumerProgram = `
import { createReceiver, type EventsOfWebhooks, generateSecret } from '@x/receiver'
import type { webhooks } from './sender.js'

const receiver = createReceiver<EventsOfWebhooks<webhooks>>({ secrets: generateSecret() })
receiver.on('Invoice.Create', (event) => {
  const total: string = event.data.entity.total
  const part: string | undefined = event.data.entity.lines[0]?.parts?.[0]?.text
  const action: 'Create' = event.data.action
  // @ts-expect-error there is no such member
  event.data.entity.amount
  const text: string | undefined = event.data.entity.default
  return [total, part, text, action, event.data.tenantId.toFixed()]
})
receiver.on('File.Delete', (event) => {
  const id: number | string = event.data.entityId
  return id
})
receiver.on('*', (event): 'Invoice.Create' | 'File.Delete' => event.type)
`

// In the package's own folder, from where the receiver's name leads to its sources.
let folder: string
beforeAll(async () => {
  await mkdir(join(packageFolder, '.types'), { recursive: true })
  folder = await mkdtemp(join(packageFolder, '.types', 'openapi-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

it('gives handlers of the receiver their types, as its guide has it', async () => {
  await using host = await openHost()
  defineAll(host.sender.eventTypes)
  const file = join(folder, 'sender.json')
  await writeFile(file, JSON.stringify(host.sender.eventTypes.openApi(info)))
  const cli = join(require.resolve('openapi-typescript/package.json'), '..', 'bin', 'cli.js')
  await run(process.execPath, [cli, file, '-o', join(folder, 'sender.ts')])
  await writeFile(join(folder, 'consumer.ts'), consumerProgram)
  const compilerOptions = {
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    target: 'es2024',
    module: 'nodenext',
    types: ['node'],
    customConditions: ['@x/source'],
    allowImportingTsExtensions: true,
  }
  await writeFile(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['consumer.ts'] }))
  const compiler = require.resolve('typescript/bin/tsc')
  const { stdout } = await run(process.execPath, [compiler, '-p', folder]).catch(
    (error: { stdout: string }) => error,
  )
  expect(stdout).toBe('')
})
