import { createHash, createHmac } from 'node:crypto'
import { sign } from '@octokit/webhooks-methods'
import { Webhook as StandardWebhook } from 'standardwebhooks'
import Stripe from 'stripe'
import { Webhook as SvixWebhook } from 'svix'
import type { WebhookScheme } from '../../src/schemes.ts'
import * as schemes from '../../src/schemes.ts'

/** A request as one sender makes it, and what a receiver has to make of it. */
export interface SenderCase {
  /** What says that the signature is right: the sender's own package, or where the vector was published. */
  readonly oracle: string
  readonly scheme: WebhookScheme
  /** The same, with another secret. */
  readonly stranger: WebhookScheme
  readonly url?: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  /** Of the receiver's clock. */
  readonly now?: number
  /** The type, and the id where it is not made of the body. */
  readonly events: readonly { readonly type: string; readonly id?: string }[]
  /** Whether the body is proved; a sender that only sends a secret along proves none. */
  readonly signsBody?: boolean
}

/** 2026-11-24T08:00:00Z */
export const NOW = Date.UTC(2026, 10, 24, 8)
const seconds = NOW / 1_000

const json = { 'content-type': 'application/json' }
const form = { 'content-type': 'application/x-www-form-urlencoded' }
const own = (hash: string, key: string, encoding: 'hex' | 'base64', ...content: string[]) =>
  createHmac(hash, key).update(content.join('')).digest(encoding)

const githubBody = JSON.stringify({ action: 'opened', issue: { number: 1 } })
const stripeSecret = 'whsec_test_secret'
const stripeBody = JSON.stringify({ id: 'evt_1', object: 'event', type: 'invoice.paid', created: seconds })
const stripe = new Stripe('sk_test_none')
const standardSecret = `whsec_${Buffer.alloc(32, 7).toString('base64')}`
const otherStandardSecret = `whsec_${Buffer.alloc(32, 8).toString('base64')}`
const standardBody = JSON.stringify({ type: 'user.created', data: { id: 'user_1' }, object: 'event' })

function standardHeaders(family: 'webhook' | 'svix', id: string, body: string): Record<string, string> {
  const signer = family === 'svix' ? new SvixWebhook(standardSecret) : new StandardWebhook(standardSecret)
  return {
    ...json,
    [`${family}-id`]: id,
    [`${family}-timestamp`]: String(seconds),
    [`${family}-signature`]: signer.sign(id, new Date(NOW), body),
  }
}

const slackBody =
  'token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c'
const twilioUrl = 'https://mycompany.com/myapp.php?foo=1&bar=2'
const twilioBody =
  'CallSid=CA1234567890ABCDE&Caller=%2B14158675309&Digits=1234&From=%2B14158675309&To=%2B18005551212'
const twilioJson = '{"property": "value", "boolean": true}'
const twilioHash = createHash('sha256').update(twilioJson).digest('hex')
const linearBody =
  '{"action":"create","type":"Issue","createdAt":"2026-11-24T08:00:00.000Z","data":{"id":"2174add1"},"url":"https://linear.app/issue/LIN-1","webhookTimestamp":1795507200000,"webhookId":"000042e3"}'
const pusherBody =
  '{"time_ms":1795507200000,"events":[{"name":"channel_occupied","channel":"a"},{"name":"channel_vacated","channel":"b"}]}'
const zendeskSecret = 'dGhpc19zZWNyZXRfaXNfZm9yX3Rlc3Rpbmdfb25seQ=='
const zendeskBody = '{"id":"01J","type":"zen:event-type:ticket.created","time":"2026-11-24T08:00:00Z"}'
const zendeskTime = '2026-11-24T08:00:00Z'
const trelloUrl = 'https://consumer.test/trello?board=1'
const trelloBody =
  '{"action":{"id":"51f9424bcd6e040f3c002412","type":"updateCard","date":"2026-11-24T08:00:00Z"}}'
const hubBody = '{"push":{"changes":[]}}'
const intercomBody =
  '{"type":"notification_event","id":"notif_1","topic":"ping","created_at":1795507200,"data":{}}'
const metaBody = '{"object":"instagram","entry":[{"id":"0","time":1795507200,"changes":[]}]}'
const mandrillUrl = 'https://consumer.test/mandrill'
const mandrillEvents =
  '[{"event":"open","_id":"a","ts":1795507200},{"event":"open","_id":"a","ts":1795507201}]'
const mandrillBody = new URLSearchParams({ mandrill_events: mandrillEvents }).toString()
const shopifyBody = '{"id":820982911946154508}'
const page = (what: string) => `${what}'s page on signatures, computed with node:crypto`

/** Every sender that signs, or proves itself in another way. */
export const SENDERS: Readonly<Record<string, SenderCase>> = {
  github: {
    oracle: '@octokit/webhooks-methods 6',
    scheme: schemes.github({ secret: 'mysecret' }),
    stranger: schemes.github({ secret: 'another' }),
    headers: {
      ...json,
      'x-github-event': 'issues',
      'x-github-delivery': '72d3162e-cc78-11e3-81ab-4c9367dc0958',
      'x-hub-signature-256': await sign('mysecret', githubBody),
    },
    body: githubBody,
    events: [{ type: 'issues.opened', id: '72d3162e-cc78-11e3-81ab-4c9367dc0958' }],
  },
  stripe: {
    oracle: 'stripe 23',
    scheme: schemes.stripe({ secret: stripeSecret }),
    stranger: schemes.stripe({ secret: 'whsec_other' }),
    headers: {
      ...json,
      'stripe-signature': stripe.webhooks.generateTestHeaderString({
        payload: stripeBody,
        secret: stripeSecret,
        timestamp: seconds,
      }),
    },
    body: stripeBody,
    events: [{ type: 'invoice.paid', id: 'evt_1' }],
  },
  slack: {
    oracle: "the vector of Slack's page on verifying requests, which @slack/bolt 5.1.0 accepts",
    scheme: schemes.slack({ secret: '8f742231b10e8888abcd99yyyzzz85a5' }),
    stranger: schemes.slack({ secret: '8f742231b10e8888abcd99yyyzzz85a6' }),
    headers: {
      ...form,
      'x-slack-request-timestamp': '1531420618',
      'x-slack-signature': 'v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503',
    },
    body: slackBody,
    now: 1_531_420_618_000,
    events: [{ type: '/webhook-collect', id: '398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c' }],
  },
  twilio: {
    oracle: "the vector of Twilio's own libraries, which twilio 6.2.0 accepts",
    scheme: schemes.twilio({ secret: '12345', url: twilioUrl }),
    stranger: schemes.twilio({ secret: '123456', url: twilioUrl }),
    headers: {
      ...form,
      'x-twilio-signature': 'RSOYDt4T1cUTdK1PDd93/VVr8B8=',
      'i-twilio-idempotency-token': 'bab9c2e0',
    },
    body: twilioBody,
    events: [{ type: 'twilio', id: 'bab9c2e0' }],
  },
  'twilio with JSON': {
    oracle: 'a vector that twilio 6.2.0 made and accepts',
    scheme: schemes.twilio({ secret: '12345', url: `${twilioUrl}&bodySHA256=${twilioHash}` }),
    stranger: schemes.twilio({ secret: '123456', url: `${twilioUrl}&bodySHA256=${twilioHash}` }),
    headers: { ...json, 'x-twilio-signature': 'a9nBmqA0ju/hNViExpshrM61xv4=' },
    body: twilioJson,
    events: [{ type: 'twilio' }],
  },
  'twilio with a port in what was signed': {
    oracle: 'a vector that twilio 6.2.0 made',
    scheme: schemes.twilio({ secret: '12345', url: twilioUrl }),
    stranger: schemes.twilio({ secret: '123456', url: twilioUrl }),
    headers: { ...form, 'x-twilio-signature': 'kvajT1Ptam85bY51eRf/AJRuM3w=' },
    body: twilioBody,
    events: [{ type: 'twilio' }],
  },
  'twilio with a field that is there three times': {
    oracle: 'a vector that twilio 6.2.0 made',
    scheme: schemes.twilio({ secret: '12345', url: 'https://mycompany.com/a' }),
    stranger: schemes.twilio({ secret: '123456', url: 'https://mycompany.com/a' }),
    url: 'https://consumer.internal/a?x=1',
    headers: { ...form, 'x-twilio-signature': 'zsVlymviQRJbKUQilSUEfXlb+Hc=' },
    body: 'B=2&a=%C3%BC&B=1&B=2',
    events: [{ type: 'twilio' }],
  },
  square: {
    oracle: "the vector of Square's page on validation, which square 46.0.0 accepts",
    scheme: schemes.square({ secret: 'asdf1234', url: 'https://example.com/webhook' }),
    stranger: schemes.square({ secret: 'asdf1235', url: 'https://example.com/webhook' }),
    headers: { ...json, 'x-square-hmacsha256-signature': '2kRE5qRU2tR+tBGlDwMEw2avJ7QM4ikPYD/PJ3bd9Og=' },
    body: '{"hello":"world"}',
    events: [{ type: 'square' }],
  },
  linear: {
    oracle: 'a vector that @linear/sdk 98.0.0 accepts',
    scheme: schemes.linear({ secret: 'lin_wh_secret_of_a_test' }),
    stranger: schemes.linear({ secret: 'lin_wh_secret_of_another' }),
    headers: {
      ...json,
      'linear-delivery': '234d1a4e-b617-4388-90fe-adc3633d6b72',
      'linear-signature': '960c298e7bda964d4b8f265e472f72738f6ba2432499264f78e5349ffe945b17',
    },
    body: linearBody,
    events: [{ type: 'Issue.create', id: '234d1a4e-b617-4388-90fe-adc3633d6b72' }],
  },
  pusher: {
    oracle: 'a vector that pusher 5.3.4 made and accepts',
    scheme: schemes.pusher({ key: 'key1', secret: 'secret-of-pusher' }),
    stranger: schemes.pusher({ key: 'key1', secret: 'secret-of-others' }),
    headers: {
      ...json,
      'x-pusher-key': 'key1',
      'x-pusher-signature': '119054fa7ba5334bb376bc94d9ead906be59eb7dc154c45f32348417820bed4b',
    },
    body: pusherBody,
    events: [{ type: 'channel_occupied' }, { type: 'channel_vacated' }],
  },
  dropbox: {
    oracle: 'the vector of the package hapi-dropbox-webhooks 1.1.0',
    scheme: schemes.dropbox({ secret: 'the_secret' }),
    stranger: schemes.dropbox({ secret: 'a_secret' }),
    headers: {
      ...json,
      'x-dropbox-signature': '0a8c16b085420b960dc78664279fe09e936a2a01b1f91064869d9e77dfd64529',
    },
    body: '{"delta": {"users": [12345]}}',
    events: [{ type: 'change' }],
  },
  clerk: {
    oracle: 'svix 2, the package that Clerk verifies with',
    scheme: schemes.clerk({ secret: standardSecret }),
    stranger: schemes.clerk({ secret: otherStandardSecret }),
    headers: standardHeaders('svix', 'msg_2', standardBody),
    body: standardBody,
    events: [{ type: 'user.created', id: 'msg_2' }],
  },
  resend: {
    oracle: 'svix 2',
    scheme: schemes.resend({ secret: standardSecret }),
    stranger: schemes.resend({ secret: otherStandardSecret }),
    headers: standardHeaders('svix', 'msg_3', standardBody),
    body: standardBody,
    events: [{ type: 'user.created', id: 'msg_3' }],
  },
  openai: {
    oracle: 'standardwebhooks 1.1',
    scheme: schemes.openai({ secret: standardSecret }),
    stranger: schemes.openai({ secret: otherStandardSecret }),
    headers: standardHeaders('webhook', 'wh_1', standardBody),
    body: standardBody,
    events: [{ type: 'user.created', id: 'wh_1' }],
  },
  gitlab: {
    oracle: "standardwebhooks 1.1, whose scheme GitLab's signing token follows",
    scheme: schemes.gitlab({ signingToken: standardSecret }),
    stranger: schemes.gitlab({ signingToken: otherStandardSecret }),
    headers: standardHeaders('webhook', 'gl-1', '{"object_kind":"push"}'),
    body: '{"object_kind":"push"}',
    events: [{ type: 'push', id: 'gl-1' }],
  },
  shopify: {
    oracle: page('Shopify'),
    scheme: schemes.shopify({ secret: 'hush' }),
    stranger: schemes.shopify({ secret: 'hushed' }),
    headers: {
      ...json,
      'x-shopify-topic': 'orders/create',
      'x-shopify-webhook-id': 'b54557e4',
      'x-shopify-triggered-at': '2026-11-24T08:00:00.123456789Z',
      'x-shopify-hmac-sha256': own('sha256', 'hush', 'base64', shopifyBody),
    },
    body: shopifyBody,
    events: [{ type: 'orders/create', id: 'b54557e4' }],
  },
  zendesk: {
    oracle: `${page('Zendesk')}, with the secret that Zendesk tests with`,
    scheme: schemes.zendesk({ secret: zendeskSecret }),
    stranger: schemes.zendesk({ secret: 'dGhpc19pc19hbm90aGVyX3NlY3JldA==' }),
    headers: {
      ...json,
      'x-zendesk-webhook-signature-timestamp': zendeskTime,
      'x-zendesk-webhook-signature': own('sha256', zendeskSecret, 'base64', zendeskTime, zendeskBody),
    },
    body: zendeskBody,
    events: [{ type: 'zen:event-type:ticket.created', id: '01J' }],
  },
  trello: {
    oracle: page('Trello'),
    scheme: schemes.trello({ secret: 'oauth-secret', url: trelloUrl }),
    stranger: schemes.trello({ secret: 'oauth-secret-2', url: trelloUrl }),
    headers: { ...json, 'x-trello-webhook': own('sha1', 'oauth-secret', 'base64', trelloBody, trelloUrl) },
    body: trelloBody,
    events: [{ type: 'updateCard', id: '51f9424bcd6e040f3c002412' }],
  },
  bitbucket: {
    oracle: page('Bitbucket'),
    scheme: schemes.bitbucket({ secret: "It's a Secret to Everybody" }),
    stranger: schemes.bitbucket({ secret: "It's a Secret" }),
    headers: {
      ...json,
      'x-event-key': 'repo:push',
      'x-request-uuid': '4bdbd2c5',
      'x-hub-signature': `sha256=${own('sha256', "It's a Secret to Everybody", 'hex', hubBody)}`,
    },
    body: hubBody,
    events: [{ type: 'repo:push', id: '4bdbd2c5' }],
  },
  intercom: {
    oracle: page('Intercom'),
    scheme: schemes.intercom({ secret: 'client-secret' }),
    stranger: schemes.intercom({ secret: 'client-secret-2' }),
    headers: { ...json, 'x-hub-signature': `sha1=${own('sha1', 'client-secret', 'hex', intercomBody)}` },
    body: intercomBody,
    events: [{ type: 'ping', id: 'notif_1' }],
  },
  meta: {
    oracle: page('Meta'),
    scheme: schemes.meta({ secret: 'app-secret', verifyToken: 'meatyhamhock' }),
    stranger: schemes.meta({ secret: 'app-secret-2', verifyToken: 'meatyhamhock' }),
    headers: { ...json, 'x-hub-signature-256': `sha256=${own('sha256', 'app-secret', 'hex', metaBody)}` },
    body: metaBody,
    events: [{ type: 'instagram' }],
  },
  mandrill: {
    oracle: page('Mandrill'),
    scheme: schemes.mandrill({ secret: 'webhook-key', url: mandrillUrl }),
    stranger: schemes.mandrill({ secret: 'webhook-key-2', url: mandrillUrl }),
    headers: {
      ...form,
      'x-mandrill-signature': own(
        'sha1',
        'webhook-key',
        'base64',
        mandrillUrl,
        'mandrill_events',
        mandrillEvents,
      ),
    },
    body: mandrillBody,
    events: [{ type: 'open' }, { type: 'open' }],
  },
  'gitlab with a secret token': {
    oracle: "GitLab's page on webhooks",
    scheme: schemes.gitlab({ token: 'a-token' }),
    stranger: schemes.gitlab({ token: 'a-token-2' }),
    headers: { ...json, 'x-gitlab-token': 'a-token', 'idempotency-key': 'f5e5f430' },
    body: '{"object_kind":"merge_request","object_attributes":{"action":"open"}}',
    events: [{ type: 'merge_request.open', id: 'f5e5f430' }],
    signsBody: false,
  },
  mailchimp: {
    oracle: "Mailchimp's page on webhooks",
    scheme: schemes.mailchimp({ code: 'x9' }),
    stranger: schemes.mailchimp({ code: 'x8' }),
    url: 'https://consumer.test/hook?code=x9',
    headers: form,
    body: 'type=subscribe&fired_at=2026-11-24+08%3A00%3A00&data%5Bid%5D=8a25ff1d98',
    events: [{ type: 'subscribe' }],
    signsBody: false,
  },
  azureAlerts: {
    oracle: "Azure's page on the common alert schema",
    scheme: schemes.azureAlerts({ code: 'x9' }),
    stranger: schemes.azureAlerts({ code: 'x8' }),
    url: 'https://consumer.test/hook?code=x9',
    headers: json,
    body: '{"schemaId":"azureMonitorCommonAlertSchema","data":{"essentials":{"signalType":"Metric","monitorCondition":"Fired"}}}',
    events: [{ type: 'Metric.Fired' }],
    signsBody: false,
  },
  azureDevOps: {
    oracle: "Azure DevOps' page on webhooks",
    scheme: schemes.azureDevOps({ username: 'hook', password: 'pass:word' }),
    stranger: schemes.azureDevOps({ username: 'hook', password: 'pass' }),
    headers: { ...json, authorization: `Basic ${Buffer.from('hook:pass:word').toString('base64')}` },
    body: '{"id":"03c164c2","eventType":"git.push","createdDate":"2026-11-24T08:00:00Z"}',
    events: [{ type: 'git.push', id: '03c164c2' }],
    signsBody: false,
  },
  azureContainerRegistry: {
    oracle: "Azure Container Registry's reference of webhooks",
    scheme: schemes.azureContainerRegistry({ header: 'x-key', secret: 'k1' }),
    stranger: schemes.azureContainerRegistry({ header: 'x-key', secret: 'k2' }),
    headers: { ...json, 'x-key': 'k1' },
    body: '{"id":"cb8c3971","action":"push","timestamp":"2026-11-24T08:00:00Z"}',
    events: [{ type: 'push', id: 'cb8c3971' }],
    signsBody: false,
  },
  kudu: {
    oracle: "Kudu's page on web hooks",
    scheme: schemes.kudu({ username: 'hook', password: 'word' }),
    stranger: schemes.kudu({ username: 'hook2', password: 'word' }),
    headers: { ...json, authorization: `Basic ${Buffer.from('hook:word').toString('base64')}` },
    body: '{"id":"e2d04b7f","status":"success","endTime":"2026-11-24T08:00:00Z"}',
    events: [{ type: 'success' }],
    signsBody: false,
  },
  dataverse: {
    oracle: "Dataverse's page on webhooks",
    scheme: schemes.dataverse({ code: 'x9' }),
    stranger: schemes.dataverse({ code: 'x8' }),
    url: '/hook?code=x9',
    headers: json,
    body: '{"PrimaryEntityName":"account","MessageName":"Create"}',
    events: [{ type: 'account.Create' }],
    signsBody: false,
  },
  wordpress: {
    oracle: "WordPress.com's page on webhooks",
    scheme: schemes.wordpress({ code: 'x9', parameter: 'key' }),
    stranger: schemes.wordpress({ code: 'x8', parameter: 'key' }),
    url: '/hook?key=x9',
    headers: form,
    body: 'hook=publish_post&ID=1',
    events: [{ type: 'publish_post' }],
    signsBody: false,
  },
  generic: {
    oracle: 'nothing: the secret is sent along',
    scheme: schemes.generic({ header: 'x-api-key', secret: 'k1' }),
    stranger: schemes.generic({ header: 'x-api-key', secret: 'k2' }),
    headers: { ...json, 'x-api-key': 'k1' },
    body: '{"id":"1","type":"ping"}',
    events: [{ type: 'ping', id: '1' }],
    signsBody: false,
  },
}
