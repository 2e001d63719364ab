import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createEventEngine } from '@x/events-engine'
import { createWebhookSender } from '@x/sender'
import { createSigner, generateSecret } from '@x/signature'
import bodies from '@x/signature/vectors/bodies.json' with { type: 'json' }
import official from '@x/signature/vectors/official.json' with { type: 'json' }
import refused from '@x/signature/vectors/refused.json' with { type: 'json' }
import { type ReceivedRequest, temporaryFolder, testConsumer } from '@x/testkit'
import Database from 'better-sqlite3'
import { Kysely, SqliteDialect } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { blocksOfPage } from '../../scripts/code-blocks.ts'
import { root } from '../../scripts/setup/paths.mjs'
import { languages, prepareSnippet, runSnippet } from './run-snippet.ts'

interface Case {
  readonly name: string
  readonly secret: string
  readonly id: string
  readonly timestamp: string
  readonly signatures: string
  readonly body: Uint8Array | string
  /** Seconds since 1970. */
  readonly now: number
  readonly isAccepted: boolean
}

// Limits of the package, which the page says the snippets leave out. A superfluous zero does no harm.
const leftOut = new Set([
  'an id of 257 characters, well signed',
  'timestamp "01614265330", well signed',
  'signature: joined by a comma',
  'signature: a tab between',
  'signature: two spaces',
  'signature: a space before',
  'signature: a space after',
  'signature: a good one among 17',
  'signature: 17 of another version and a good one',
])

const page = blocksOfPage(join(root, 'docs/receive/any-language.md'))
const codeOf = (fence: string, start = '') =>
  page.find(({ language, code }) => language === fence && code.startsWith(start))?.code ?? ''

function vectorCases(): Case[] {
  const accepted: Case[] = official
    .filter(({ verifyWith }) => verifyWith.startsWith('whsec_'))
    .map(({ name, verifyWith, id, timestamp, body, signature }) => ({
      name,
      secret: verifyWith,
      id,
      timestamp: String(timestamp),
      signatures: signature,
      body,
      now: timestamp,
      isAccepted: true,
    }))
  const { secret, now, id } = bodies
  const ofBodies = (
    list: readonly { name: string; body: string; signature: string }[],
    isAccepted: boolean,
  ) =>
    list.map(
      ({ name, body, signature }): Case => ({
        name,
        secret,
        id,
        timestamp: String(now),
        signatures: signature,
        body: Buffer.from(body, 'base64'),
        now,
        isAccepted,
      }),
    )
  const ofHeaders = refused.cases.flatMap(({ name, headers }): Case[] => {
    const values = ['id', 'timestamp', 'signature'].map(
      (part) => (headers as Record<string, unknown>)[`webhook-${part}`] ?? '',
    )
    // A list, a megabyte, or headers of Svix: nothing that the snippets are given.
    if (leftOut.has(name) || name.includes('svix') || !values.every((value) => typeof value === 'string'))
      return []
    const [id = '', timestamp = '', signatures = ''] = values as string[]
    const { secret, body, now } = refused
    return [{ name, secret, id, timestamp, signatures, body, now, isAccepted: false }]
  })
  return [...accepted, ...ofBodies(bodies.accepted, true), ...ofBodies(bodies.refused, false), ...ofHeaders]
}

function caseOf(name: string, secret: string, { headers, rawBody, receivedAt }: ReceivedRequest): Case {
  const header = (part: string) => String(headers[`webhook-${part}`])
  return {
    name,
    secret,
    id: header('id'),
    timestamp: header('timestamp'),
    signatures: header('signature'),
    body: rawBody,
    now: Math.floor(receivedAt / 1000),
    isAccepted: true,
  }
}

/** What a sender really sends, and what others could make of it. */
async function sentCases(): Promise<{ cases: Case[]; publicKey: string; signed: Case }> {
  const db = new Kysely<unknown>({ dialect: new SqliteDialect({ database: new Database(':memory:') }) })
  const engine = createEventEngine({ db })
  const network = { allow: ['127.0.0.0/8'] }
  await using consumer = await testConsumer()
  const sender = createWebhookSender({ engine, encryptionKey: randomBytes(32), network })
  await sender.migrate()
  await sender.start()
  await engine.start()
  const raise = (entityId: number) =>
    engine.syncManager.addSyncEvent({ tenantId: 1, siteId: 7 }, 'File', entityId, 'Create', {
      data: { name: 'Übergröße 😀 \u2028', size: 1.5 },
    })

  const { endpoint, secret } = await sender.endpoints.create({ tenantId: 1, url: consumer.url })
  await raise(1)
  await sender.drain()
  const { secret: newSecret } = await sender.endpoints.rotateSecret(endpoint.id, { overlapSeconds: 3600 })
  await raise(2)
  await sender.drain()
  await sender.endpoints.delete(endpoint.id)
  const pair = await sender.endpoints.create({ tenantId: 1, url: consumer.url, signature: 'ed25519' })
  await raise(3)
  await sender.drain()
  const [plain, rotated, signed] = consumer.requests
  await sender.stop()
  await engine.stop()
  await db.destroy()
  if (!plain || !rotated || !signed) throw new Error('three webhooks were to be sent')

  const sent = caseOf('as it was sent', secret, plain)
  const old = caseOf('while the secret is replaced, with the one before', secret, rotated)
  const body = Buffer.from(sent.body)
  const changed = Buffer.from(body.toString().replace('1.5', '2.5'))
  const others = await createSigner(generateSecret()).sign({ id: sent.id, timestamp: sent.now, body })
  const longAgo = sent.now - 600
  const signedLongAgo = await createSigner(secret).sign({ id: sent.id, timestamp: longAgo, body })
  const time = Number(sent.timestamp)
  return {
    cases: [
      sent,
      old,
      { ...old, name: 'while the secret is replaced, with the new one', secret: newSecret },
      { ...sent, name: 'five minutes later', now: time + 300 },
      { ...sent, name: 'with a clock that is five minutes behind', now: time - 300 },
      {
        ...sent,
        name: 'beside signatures of other versions',
        signatures: `v2,abc ${sent.signatures} v1a,abc`,
      },
      ...[
        { ...sent, name: 'a second too late', now: time + 301 },
        { ...sent, name: 'with a clock that is too far behind', now: time - 301 },
        { ...sent, name: 'signed ten minutes ago', timestamp: String(longAgo), signatures: signedLongAgo },
        { ...sent, name: 'with a newer timestamp', timestamp: String(time + 1) },
        { ...sent, name: 'with another body', body: changed },
        { ...sent, name: 'under another id', id: `${sent.id}0` },
        { ...sent, name: 'signed by another', signatures: others },
        { ...sent, name: 'for another secret', secret: generateSecret() },
        { ...sent, name: 'without a signature', signatures: '' },
        { ...sent, name: 'without a timestamp', timestamp: '' },
      ].map((one) => ({ ...one, isAccepted: false })),
    ],
    publicKey: pair.secret,
    signed: caseOf('signed with a private key', '', signed),
  }
}

const base64 = (value: Uint8Array | string) => Buffer.from(value).toString('base64')
const lineOf = ({ secret, id, timestamp, signatures, body, now }: Case) =>
  [secret, id, timestamp, signatures, body, String(now)].map(base64).join('\t')

describe('the snippets of docs/receive/any-language.md', () => {
  let sent: Awaited<ReturnType<typeof sentCases>>
  let cases: Case[]
  let folder: Awaited<ReturnType<typeof temporaryFolder>>
  const notTested: string[] = []

  beforeAll(async () => {
    folder = await temporaryFolder()
    sent = await sentCases()
    cases = [...sent.cases, ...vectorCases()]
  })
  afterAll(async () => {
    if (notTested.length > 0) process.stderr.write(`\n*** NOT TESTED: ${notTested.join('; ')}. ***\n\n`)
    await folder[Symbol.asyncDispose]()
  })

  it.for(Object.entries(languages))('%s', async ([name, language], { skip }) => {
    const code = codeOf(language.fence)
    expect(code.trimEnd().split('\n').length).toBeLessThanOrEqual(20)
    const prepared = await prepareSnippet(language, code, folder.path)
    if ('missing' in prepared) {
      notTested.push(`${name}, since ${prepared.missing}`)
      return skip(prepared.missing)
    }
    const said = runSnippet(language, prepared.folder, cases.map((one) => `${lineOf(one)}\n`).join(''))
    expect(said).toHaveLength(cases.length)
    const wrong = cases.filter(({ isAccepted }, index) => (said[index] === '1') !== isAccepted)
    expect(wrong.map((one) => one.name)).toEqual([])
    expect(() =>
      runSnippet(language, prepared.folder, `${lineOf({ ...firstOf(cases), secret: 'whsec_' })}\n`),
    ).toThrow()
  })

  it('OpenSSL with a public key', async ({ skip }) => {
    const version = spawnSync('openssl', ['version'], { encoding: 'utf8' }).stdout ?? ''
    if (!/^OpenSSL [3-9]/.test(version)) {
      notTested.push('public keys with OpenSSL, since there is no OpenSSL 3')
      return skip('there is no OpenSSL 3')
    }
    const vector = official.find(({ verifyWith }) => verifyWith.startsWith('whpk_'))
    if (!vector) throw new Error('there is no vector')
    const { signed, publicKey } = sent
    const rows: [string, string, string, string, Uint8Array | string, boolean][] = [
      [vector.verifyWith, vector.id, String(vector.timestamp), vector.signature, vector.body, true],
      [publicKey, signed.id, signed.timestamp, signed.signatures, signed.body, true],
      [vector.verifyWith, signed.id, signed.timestamp, signed.signatures, signed.body, false],
      [publicKey, signed.id, signed.timestamp, signed.signatures, `${signed.body} `, false],
    ]
    const verify = `${codeOf('bash', '# verify_public')}\nverify_public "$@"`
    for (const [key, id, timestamp, signature, body, isAccepted] of rows) {
      await writeFile(join(folder.path, 'body'), body)
      const args = ['-c', verify, 'sh', key, id, timestamp, signature, join(folder.path, 'body')]
      expect(spawnSync('sh', args).status === 0).toBe(isAccepted)
    }
  })

  it('begin with a request that is signed', async () => {
    const [head = '', body = ''] = codeOf('http').split('\n\n')
    const header = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(head)?.[1] ?? ''
    const message = {
      id: header('webhook-id'),
      timestamp: Number(header('webhook-timestamp')),
      body: body.trimEnd(),
    }
    const { signWith } = official[1] ?? { signWith: '' }
    expect(await createSigner(signWith).sign(message)).toBe(header('webhook-signature'))
  })
})

function firstOf(cases: readonly Case[]): Case {
  const [first] = cases
  if (first === undefined) throw new Error('there is no case')
  return first
}
