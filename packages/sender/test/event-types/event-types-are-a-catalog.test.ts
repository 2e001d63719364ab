import { expect, it } from 'vitest'
import { WebhookSenderError } from '../../src/index.ts'
import { openHost } from '../open-host.ts'

const url = 'https://example.com/hook'
const description = 'Somebody has downloaded a file.'
const schema = {
  type: 'object',
  properties: { name: { type: 'string' }, owner: { $ref: '#/$defs/person' } },
  required: ['name'],
  additionalProperties: false,
  $defs: { person: { type: 'object', required: ['email'] } },
}

it('lists what was defined, by name, and what the sender raises itself on request', async () => {
  await using host = await openHost()
  const { eventTypes } = host.sender
  expect(eventTypes.list()).toEqual([])
  eventTypes.define({ type: 'Page.Delete', description: 'A page is gone.', deprecated: true })
  eventTypes.define({ type: 'File.Download', description, schema, example: { name: 'a.pdf' } })

  expect(eventTypes.list()).toEqual([
    {
      type: 'File.Download',
      description,
      deprecated: false,
      builtIn: false,
      schema,
      example: { name: 'a.pdf' },
    },
    { type: 'Page.Delete', description: 'A page is gone.', deprecated: true, builtIn: false },
  ])
  expect(eventTypes.get('Page.Delete')).toMatchObject({ deprecated: true })
  expect(eventTypes.get('Page.Create')).toBeUndefined()
  expect(eventTypes.list({ builtIn: true }).map(({ type }) => type)).toContain('WebhookEndpoint.Failing')
  expect(eventTypes.get('Webhook.Test')).toMatchObject({ builtIn: true })
})

it('keeps what was defined from later changes', async () => {
  await using host = await openHost()
  const example = { name: 'a.pdf' }
  host.sender.eventTypes.define({ type: 'File.Download', description, example })
  example.name = 'b.pdf'
  const known = host.sender.eventTypes.get('File.Download')
  expect(known?.example).toEqual({ name: 'a.pdf' })
  expect(() => Object.assign(known?.example as object, { name: 'c.pdf' })).toThrow(TypeError)
})

it('takes a definition twice, and no second meaning', async () => {
  await using host = await openHost()
  const { define, list } = host.sender.eventTypes
  define({ type: 'File.Download', description, schema })
  define({ type: 'File.Download', description, schema: structuredClone(schema) })
  expect(list()).toHaveLength(1)
  const again = () => define({ type: 'File.Download', description: 'Something else.', schema })
  expect(again).toThrow(expect.objectContaining({ code: 'event_type_conflict', field: 'type' }))
  expect(list()).toMatchObject([{ description }])
})

it.each<[string, object, string, string]>([
  ['no type', { description }, 'type', "'File.Download'"],
  ['a pattern', { type: 'File.*', description }, 'type', "'File.Download'"],
  ["a type of the sender's", { type: 'WebhookEndpoint.Gone', description }, 'type', "the sender's own"],
  ['no description', { type: 'A.B' }, 'description', '1 to 1000'],
  ['an endless description', { type: 'A.B', description: 'x'.repeat(1_001) }, 'description', '1001 of them'],
  ['a half flag', { type: 'A.B', description, deprecated: 'yes' }, 'deprecated', 'true or false'],
  ['what is no schema', { type: 'A.B', description, schema: { type: 'text' } }, 'schema', 'JSON Schema'],
  ['a list for a schema', { type: 'A.B', description, schema: [] }, 'schema', 'JSON Schema'],
  [
    'a reference to elsewhere',
    { type: 'A.B', description, schema: { $ref: 'other.json' } },
    'schema',
    'other.json',
  ],
  ['what JSON cannot hold', { type: 'A.B', description, example: 1n }, 'example', 'JSON'],
  [
    'another example',
    { type: 'A.B', description, schema, example: { name: 1, x: 1 } },
    'example',
    '/name must be string',
  ],
  [
    'a bad reference',
    { type: 'A.B', description, schema, example: { name: 'a', owner: {} } },
    'example',
    '/owner',
  ],
])('refuses a definition with %s', async (_what, input, field, message) => {
  await using host = await openHost()
  const define = () => host.sender.eventTypes.define(input as never)
  expect(define).toThrow(WebhookSenderError)
  expect(define).toThrow(expect.objectContaining({ code: 'invalid_event_type', field }))
  expect(define).toThrow(message)
  expect(host.sender.eventTypes.list()).toEqual([])
})

it('lets endpoints name anything as long as nothing is defined', async () => {
  await using host = await openHost()
  const { endpoint } = await host.sender.endpoints.create({ tenantId: 1, url, eventTypes: ['Anything.*'] })
  expect(endpoint.eventTypes).toEqual(['Anything.*'])
})

it.each([
  ['File.Downlaod', 'File.Download'],
  ['file.*', 'File.*'],
  ['*.Downloads', '*.Download'],
  ['Invoice.Paid', 'eventTypes.list()'],
])(
  'refuses an endpoint that wants %s, of which the catalog knows nothing, and says %s',
  async (pattern, hint) => {
    await using host = await openHost()
    const { sender } = host
    sender.eventTypes.define({ type: 'File.Download', description })
    const create = sender.endpoints.create({ tenantId: 1, url, eventTypes: ['File.*', pattern] })
    await expect(create).rejects.toMatchObject({
      code: 'invalid_endpoint',
      field: 'eventTypes',
      message: expect.stringContaining(hint),
    })
    const { endpoint } = await sender.endpoints.create({ tenantId: 1, url })
    const update = sender.endpoints.update(endpoint.id, { eventTypes: [pattern] })
    await expect(update).rejects.toMatchObject({ code: 'invalid_endpoint', field: 'eventTypes' })
  },
)

it('lets endpoints name defined types, patterns of them, and what the sender raises', async () => {
  await using host = await openHost()
  host.sender.eventTypes.define({ type: 'File.Download', description })
  const eventTypes = [
    'File.Download',
    'File.*',
    '*.Download',
    '*',
    'WebhookEndpoint.*',
    'WebhookDelivery.Exhausted',
  ]
  const { endpoint } = await host.sender.endpoints.create({ tenantId: 1, url, eventTypes })
  expect(endpoint.eventTypes).toEqual(eventTypes)
})

it('leaves an endpoint alone whose types are gone from the catalog, until they are changed', async () => {
  await using host = await openHost()
  const { endpoint } = await host.sender.endpoints.create({ tenantId: 1, url, eventTypes: ['Old.Type'] })
  host.sender.eventTypes.define({ type: 'File.Download', description })
  const updated = await host.sender.endpoints.update(endpoint.id, { description: 'ours' })
  expect(updated).toMatchObject({ description: 'ours', eventTypes: ['Old.Type'] })
})
