import { createHmac } from 'node:crypto'
import { expect, it } from 'vitest'
import { createReceiver, memoryReplayStore } from '../../src/index.ts'
import type { WebhookScheme } from '../../src/schemes.ts'
import * as schemes from '../../src/schemes.ts'

const url = 'https://consumer.test/hook'

async function ask(scheme: WebhookScheme, path: string, init: RequestInit = {}) {
  const receiver = createReceiver({ scheme })
  const events: unknown[] = []
  receiver.on('*', (event) => events.push(event))
  const response = await receiver.handle(new Request(new URL(path, url), init))
  expect(events).toEqual([])
  return { status: response.status, text: await response.text(), headers: response.headers }
}

const meta = schemes.meta({ secret: 's', verifyToken: 'meatyhamhock' })
const subscribe = (token: string) =>
  `?hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token=${encodeURIComponent(token)}`

it.each([
  ['Dropbox, with its challenge', schemes.dropbox({ secret: 's' }), '?challenge=abc%20123', 'GET', 'abc 123'],
  ['Meta, with its challenge', meta, subscribe('meatyhamhock'), 'GET', '1158201444'],
  ['Trello, which tries the URL', schemes.trello({ secret: 's', url }), '', 'HEAD', ''],
  ['Intercom, which tries the URL', schemes.intercom({ secret: 's' }), '', 'HEAD', ''],
  ['Mandrill, which tries the URL', schemes.mandrill({ secret: 's', url }), '', 'HEAD', ''],
  ['Mailchimp, which tries the URL', schemes.mailchimp({ code: 'x9' }), '?code=x9', 'GET', ''],
])('answers %s', async (_who, scheme, path, method, text) => {
  const answer = await ask(scheme, path, { method })
  expect(answer).toMatchObject({ status: 200, text })
  if (text === '') return
  expect(answer.headers.get('content-type')).toBe('text/plain')
  expect(answer.headers.get('x-content-type-options')).toBe('nosniff')
})

it.each([
  ['Meta with another verify token', meta, subscribe('other'), 'GET', 403],
  ['Meta without a challenge', meta, '?hub.mode=subscribe&hub.verify_token=meatyhamhock', 'GET', 405],
  ['Mailchimp with another code', schemes.mailchimp({ code: 'x9' }), '?code=x8', 'GET', 401],
  ['a browser at a sender that asks nothing', schemes.github({ secret: 's' }), '?challenge=1', 'GET', 405],
  ['Dropbox without a challenge', schemes.dropbox({ secret: 's' }), '', 'GET', 405],
])('does not oblige %s', async (_who, scheme, path, method, status) => {
  const answer = await ask(scheme, path, { method })
  expect(answer.status).toBe(status)
  expect(answer.text).not.toContain('1158201444')
})

function slackRequest(secret: string, body: string): RequestInit {
  const time = String(Math.floor(Date.now() / 1_000))
  const signature = createHmac('sha256', secret).update(`v0:${time}:${body}`).digest('hex')
  const headers = {
    'content-type': 'application/json',
    'x-slack-request-timestamp': time,
    'x-slack-signature': `v0=${signature}`,
  }
  return { method: 'POST', headers, body }
}

it("answers Slack's URL verification, where Slack signed it", async () => {
  const body = JSON.stringify({
    type: 'url_verification',
    token: 't',
    challenge: '3eZbrw1aBm2rZgRNFdxV2595E9CY',
  })
  const scheme = schemes.slack({ secret: 'signing' })
  expect(await ask(scheme, '', slackRequest('signing', body))).toMatchObject({
    status: 200,
    text: '3eZbrw1aBm2rZgRNFdxV2595E9CY',
  })
  expect(await ask(scheme, '', slackRequest('other', body))).toMatchObject({ status: 401 })
})

it('knows the inner event of Slack, and its interactions', async () => {
  const receiver = createReceiver({ scheme: schemes.slack({ secret: 'signing' }) })
  const seen: unknown[] = []
  receiver.on('*', ({ type, id }) => seen.push([type, id]))
  const callback = { type: 'event_callback', event_id: 'Ev1', event: { type: 'app_mention' }, event_time: 1 }
  const interaction = new URLSearchParams({ payload: '{"type":"block_actions","trigger_id":"12.1"}' })
  for (const [type, body] of [
    ['application/json', JSON.stringify(callback)],
    ['application/x-www-form-urlencoded', interaction.toString()],
  ] as const) {
    const { headers, ...init } = slackRequest('signing', body)
    await receiver.handle(
      new Request(url, { ...init, headers: { ...Object(headers), 'content-type': type } }),
    )
  }
  expect(seen).toEqual([
    ['app_mention', 'Ev1'],
    ['block_actions', '12.1'],
  ])
})

function mandrillRequest(key: string, events: string): RequestInit {
  const signature = createHmac('sha1', key).update(`${url}mandrill_events${events}`).digest('base64')
  const headers = {
    'content-type': 'application/x-www-form-urlencoded',
    'x-mandrill-signature': signature,
  }
  return { method: 'POST', headers, body: new URLSearchParams({ mandrill_events: events }).toString() }
}

it("answers Mandrill's trial, which anyone can sign, and lets it bring nothing", async () => {
  const scheme = schemes.mandrill({ secret: 'key', url })
  expect(await ask(scheme, '', mandrillRequest('test-webhook', '[]'))).toMatchObject({ status: 200 })
  expect(await ask(scheme, '', mandrillRequest('test-webhook', '[{"event":"send"}]'))).toMatchObject({
    status: 401,
  })
  expect(await ask(scheme, '', mandrillRequest('test-webhook', '[ ]'))).toMatchObject({ status: 401 })
})

it('handles the rest of a request one of whose events failed, and only that one again', async () => {
  const receiver = createReceiver({
    scheme: schemes.mandrill({ secret: 'key', url }),
    replayStore: memoryReplayStore(),
  })
  const seen: unknown[] = []
  receiver.on('*', ({ type }) => {
    seen.push(type)
    if (type === 'open' && seen.length < 4) throw new Error('not yet')
  })
  const init = mandrillRequest('key', '[{"event":"send"},{"event":"open"},{"event":"click"}]')
  const send = async () => (await receiver.handle(new Request(url, init))).status
  expect([await send(), await send(), await send()]).toEqual([500, 200, 200])
  expect(seen).toEqual(['send', 'open', 'click', 'open'])
})

it('lets nobody choose the hash of a body in the URL that was not signed', async () => {
  const scheme = schemes.twilio({ secret: '12345', url: () => url })
  const signature = createHmac('sha1', '12345').update(url).digest('base64')
  const headers = { 'content-type': 'application/json', 'x-twilio-signature': signature }
  const hash = '44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a'
  const answer = await ask(scheme, `?bodySHA256=${hash}`, { method: 'POST', headers, body: '{}' })
  expect(answer.status).toBe(401)
})
