import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createReceiver, memoryReplayStore } from '../../src/index.ts'
import { parseXml } from '../../src/schemes/xml.ts'
import { eventGrid, salesforce, type WebhookScheme } from '../../src/schemes.ts'

function receive(scheme: WebhookScheme) {
  const receiver = createReceiver({ scheme, replayStore: memoryReplayStore() })
  const events: { type: string; id: string; data: unknown }[] = []
  receiver.on('*', (event) => events.push(event))
  const send = async (init: RequestInit, path = '?code=x9') => {
    const response = await receiver.handle(new Request(new URL(path, 'https://consumer.test/hook'), init))
    return { status: response.status, text: await response.text(), headers: response.headers }
  }
  return { send, events }
}

const json = (value: unknown, headers: Record<string, string> = {}): RequestInit => ({
  method: 'POST',
  headers: { 'content-type': 'application/json', ...headers },
  body: JSON.stringify(value),
})

describe("Azure Event Grid, against Azure's pages on validation", () => {
  const validation = [
    {
      id: '2d1781af',
      topic: '/subscriptions/x',
      subject: '',
      data: { validationCode: '512d38b6-c7b8-40c8-89fe-f46f9e9622b6', validationUrl: 'https://evil.test/' },
      eventType: 'Microsoft.EventGrid.SubscriptionValidationEvent',
      eventTime: '2018-01-25T22:12:19.4556811Z',
    },
  ]
  const asValidation = { 'aeg-event-type': 'SubscriptionValidation' }

  it('answers the validation event with its code, to who knows the secret', async () => {
    const { send, events } = receive(eventGrid({ code: 'x9' }))
    const answer = await send(json(validation, asValidation))
    expect(answer).toMatchObject({
      status: 200,
      text: '{"validationResponse":"512d38b6-c7b8-40c8-89fe-f46f9e9622b6"}',
    })
    expect(answer.headers.get('content-type')).toBe('application/json')
    const stranger = await send(json(validation, asValidation), '?code=x8')
    expect(stranger.status).toBe(401)
    expect(stranger.text).not.toContain('512d38b6')
    expect(events).toEqual([])
  })

  it('takes an event for one that only looks like it', async () => {
    const { send, events } = receive(eventGrid({ code: 'x9' }))
    expect((await send(json(validation, { 'aeg-event-type': 'Notification' }))).text).toBe('')
    expect(events).toHaveLength(1)
  })

  it('answers the validation by OPTIONS', async () => {
    const { send } = receive(eventGrid({ code: 'x9' }))
    const ask = (origin: string, path?: string) =>
      send({ method: 'OPTIONS', headers: { 'webhook-request-origin': origin } }, path)
    const answer = await ask('eventgrid.azure.net')
    expect(answer.status).toBe(200)
    expect(answer.headers.get('webhook-allowed-origin')).toBe('eventgrid.azure.net')
    expect(answer.headers.get('webhook-allowed-rate')).toBe('*')
    expect((await ask('evil.test')).headers.get('webhook-allowed-origin')).toBe(null)
    expect((await ask('eventgrid.azure.net', '?code=x8')).status).toBe(401)
  })

  it('hands out events of its own schema, and CloudEvents, one by one', async () => {
    const { send, events } = receive(eventGrid({ header: 'x-key', secret: 'k' }))
    const own = { id: '1', eventType: 'Microsoft.Storage.BlobCreated', eventTime: '2026-11-24T08:00:00Z' }
    const cloud = { specversion: '1.0', id: '3', type: 'Microsoft.Storage.BlobDeleted', source: '/x' }
    expect((await send(json([own, { ...own, id: '2' }], { 'x-key': 'k' }))).status).toBe(200)
    const type = { 'content-type': 'application/cloudevents+json; charset=utf-8', 'x-key': 'k' }
    expect((await send(json(cloud, type))).status).toBe(200)
    expect(events.map(({ id, type }) => `${id} ${type}`)).toEqual([
      '1 Microsoft.Storage.BlobCreated',
      '2 Microsoft.Storage.BlobCreated',
      '3 Microsoft.Storage.BlobDeleted',
    ])
  })
})

const message = (id: string, name: string) => `<Notification><Id>${id}</Id>
  <sObject xsi:type="sf:Account" xmlns:sf="urn:sobject.enterprise.soap.sforce.com">
    <sf:Id>001D</sf:Id><sf:Name>${name}</sf:Name><sf:Site xsi:nil="true"/>
  </sObject></Notification>`

const soap = (inside: string, organization = '00D000000000001EAA') => `<?xml version="1.0" encoding="UTF-8"?>
<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
 <soapenv:Body><notifications xmlns="http://soap.sforce.com/2005/09/outbound">
  <OrganizationId>${organization}</OrganizationId><ActionId>04k</ActionId><SessionId xsi:nil="true"/>
  ${inside}
 </notifications></soapenv:Body></soapenv:Envelope>`

const xml = (body: string): RequestInit => ({
  method: 'POST',
  headers: { 'content-type': 'text/xml; charset=utf-8' },
  body,
})

describe("Salesforce, against Salesforce's page on outbound messages", () => {
  const scheme = salesforce({ organizationId: '00D000000000001', code: 'x9' })

  it('hands out each notification, and acknowledges in SOAP, repetitions too', async () => {
    const { send, events } = receive(scheme)
    const body = soap(message('04l1', 'Miller &amp; Sons') + message('04l2', '<![CDATA[<b>]]>&#233;'))
    for (const answer of [await send(xml(body)), await send(xml(body))]) {
      expect(answer).toMatchObject({ status: 200, text: expect.stringContaining('<Ack>true</Ack>') })
      expect(answer.headers.get('content-type')).toMatch(/^text\/xml/)
    }
    const common = { OrganizationId: '00D000000000001EAA', ActionId: '04k', SessionId: null }
    expect(events).toMatchObject([
      {
        type: 'Account',
        id: '04l1',
        data: { ...common, sObject: { Id: '001D', Name: 'Miller & Sons', Site: null } },
      },
      { type: 'Account', id: '04l2', data: { ...common, sObject: { Id: '001D', Name: '<b>é', Site: null } } },
    ])
  })

  it.each([
    ['another code', '?code=x8', soap(message('1', 'a')), 401],
    ['another organization', '?code=x9', soap(message('1', 'a'), '00D000000000002EAA'), 401],
    ['no organization', '?code=x9', soap(message('1', 'a'), ''), 401],
    ['other XML', '?code=x9', '<a/>', 400],
    ['no XML', '?code=x9', '{}', 400],
    ['entities of its own', '?code=x9', `<!DOCTYPE a [<!ENTITY b "c">]>${soap('')}`, 400],
  ])('refuses %s', async (_what, path, body, status) => {
    const { send, events } = receive(scheme)
    expect((await send(xml(body), path)).status).toBe(status)
    expect(events).toEqual([])
  })

  it('needs an organization and a secret', () => {
    expect(() => salesforce({ organizationId: '', code: 'x9' })).toThrow('organizationId')
    expect(() => salesforce({ organizationId: '00D000000000001' } as never)).toThrow(
      'the place of the secret',
    )
  })
})

describe('parseXml', () => {
  it.each([
    ['<a><b></a></b>'],
    ['<a>'],
    ['</a>'],
    ['<a/><b/>'],
    ['<a/>text'],
    ['<a b="1" c/>'],
    ['<a>&nbsp;</a>'],
    ['<a>&</a>'],
    ['<a>&#xffffff;</a>'],
    ['<?xml version="1.0"?><?other?><a/>'],
    ['<!-- <a/>'],
    [''],
    [`${'<a>'.repeat(33)}${'</a>'.repeat(33)}`],
  ])('refuses %s', (text) => {
    expect(() => parseXml(text)).toThrow('The body is not the XML of a message.')
  })

  it('takes any text for what it is, or refuses it, and soon', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'<>/ab"=\'&;!-[]? \n') }), (text) => {
        try {
          expect(parseXml(text).name).not.toBe('')
        } catch (error) {
          expect(error).toMatchObject({ code: 'invalid_body' })
        }
      }),
      { numRuns: 3_000 },
    )
    for (const unit of [
      '<',
      '<a ',
      '<a b=" ',
      '<!--',
      '<![CDATA[',
      '&#',
      ' ',
      'a',
      '<a>',
      '<a b="c" ',
      '</a ',
    ]) {
      const started = performance.now()
      expect(() => parseXml(`<a>${unit.repeat(200_000)}`)).toThrow()
      expect(performance.now() - started).toBeLessThan(2_000)
    }
  })
})
