import { createHmac } from 'node:crypto'
import { generateKeyPair } from '@x/signature'
import { describe, expect, it } from 'vitest'
import { explain } from '../src/cli/explain.ts'
import { generateSecret } from '../src/index.ts'
import { signedHeaders } from '../src/testing.ts'

const NOW = 1_790_000_000
const secret = generateSecret()
const timestamp = new Date(NOW * 1000)
const body = '{"type":"File.Create","data":{"text":"Grüße","list":[1,2]}}'

type Headers = Record<string, string>
const listed = (headers: Headers) =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, [value]]))

function explained(signed: string | Buffer, received: string | Buffer, changed: Headers = {}) {
  const headers = signedHeaders({ secret, timestamp, body: signed })
  const request = { headers: listed({ ...headers, ...changed }), body: Buffer.from(received) }
  return explain(request, [secret], NOW)
}

const signedBy = (key: Buffer | string, content: string) =>
  `v1,${createHmac('sha256', key).update(content).digest('base64')}`

it('has nothing to explain when it verifies', () => {
  expect(explained(body, body)).toEqual({ verifies: true, lines: ['It verifies.'] })
})

describe('what was done to the body', () => {
  it.each([
    ['parsed and written again', JSON.stringify(JSON.parse(body), null, 2), body],
    ['parsed and written again', body.replaceAll(':', ': ').replaceAll(',', ', '), body],
    ['parsed and written again', body.replace('ü', '\\u00fc').replace('ß', '\\u00df'), body],
    ['line break was added', body, `${body}\n`],
    ['line break was added', body, `${body}\r\n`],
    ['line break at the end of the body is missing', `{ }\n`, '{ }'],
    ['became CR LF', '{\n}', '{\r\n}'],
    ['became LF', '{\r\n}', '{\n}'],
    ['byte order mark was put', body, `\ufeff${body}`],
    ['byte order mark before the body was taken away', `\ufeff${body}`, body],
    ['another encoding', Buffer.from(body), Buffer.from(body, 'latin1')],
    ['another encoding', Buffer.from(body), Buffer.from(Buffer.from(body).toString('latin1'))],
    ['signed an empty body', '', body],
  ])('is told: %s', (expected, signed, received) => {
    const { verifies, lines } = explained(signed, received)
    expect(verifies).toBe(false)
    expect(lines).toHaveLength(2)
    expect(lines[1]).toContain(expected)
  })

  it('is told from its length', () => {
    const { lines } = explained(body, body.slice(0, -9), { 'content-length': '62' })
    expect(lines.at(-1)).toContain('content-length says 62')
  })
})

describe('what the sender does wrong', () => {
  const id = 'evt_1'
  const signing = (signature: string) =>
    explained(body, body, { 'webhook-id': id, 'webhook-signature': signature }).lines.slice(1)
  const key = Buffer.from(secret.slice(6), 'base64')

  it.each([
    ['after whsec_ as the key', signedBy(secret.slice(6), `${id}.${NOW}.${body}`)],
    ['as it is written as the key', signedBy(secret, `${id}.${NOW}.${body}`)],
    ['in milliseconds', signedBy(key, `${id}.${NOW}000.${body}`)],
    ['without webhook-id', signedBy(key, `${NOW}.${body}`)],
    ['the body alone', signedBy(key, body)],
  ])('is told: %s', (expected, signature) => {
    expect(signing(signature)).toEqual([expect.stringContaining(expected)])
  })

  it('is told when two things are wrong at once', () => {
    expect(signing(signedBy(secret, `${id}.${NOW}.${body}\n`))).toHaveLength(2)
  })
})

describe('what is wrong with the rest', () => {
  it('is told of a header', () => {
    const { 'webhook-id': _, ...others } = signedHeaders({ secret, timestamp, body })
    const request = { headers: listed(others), body: Buffer.from(body) }
    expect(explain(request, [secret], NOW).lines).toEqual([
      expect.stringMatching(/missing_header.*webhook-id/),
    ])
    const svix = { 'svix-id': ['a'], 'svix-signature': ['b'] }
    expect(explain({ headers: svix, body: Buffer.from(body) }, [secret], NOW).lines).toEqual([
      expect.stringMatching(/missing_header.*svix-timestamp/),
    ])
  })

  it('is told of headers of Svix, too', () => {
    const headers = listed(signedHeaders({ secret, timestamp, body, headerFamily: 'svix' }))
    expect(explain({ headers, body: Buffer.from(body) }, [secret], NOW).verifies).toBe(true)
    const changed = { headers, body: Buffer.from(`${body}\n`) }
    expect(explain(changed, [secret], NOW).lines[1]).toContain('line break was added')
  })

  it('is told of the clock, and whether all else is right', () => {
    const request = { headers: listed(signedHeaders({ secret, timestamp, body })), body: Buffer.from(body) }
    expect(explain(request, [secret], NOW + 9_000).lines).toEqual([
      expect.stringContaining('signed 9000 s ago'),
      expect.stringContaining('everything fits'),
    ])
    const changed = { ...request, body: Buffer.from(`${body}\n`) }
    expect(explain(changed, [secret], NOW - 9_000).lines).toEqual([
      expect.stringContaining('9000 s in the future'),
      expect.stringContaining('Nor did it verify'),
      expect.stringContaining('line break was added'),
    ])
  })

  it('is told of the kind of the secret', () => {
    const { privateKey, publicKey } = generateKeyPair()
    const linesOf = (signWith: string, verifyWith: string) => {
      const headers = listed(signedHeaders({ secret: signWith, timestamp, body }))
      return explain({ headers, body: Buffer.from(body) }, [verifyWith], NOW).lines
    }
    expect(linesOf(privateKey, secret)[1]).toContain('whpk_')
    expect(linesOf(secret, publicKey)[1]).toContain('whsec_')
  })

  it('is not made up when it cannot be told', () => {
    const request = { headers: listed(signedHeaders({ secret, timestamp, body })), body: Buffer.from(body) }
    expect(explain(request, [generateSecret()], NOW).lines[1]).toContain('cannot be told')
    expect(explained(body, body.replace('1', '3')).lines[1]).toContain('cannot be told')
  })
})
