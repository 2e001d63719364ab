import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { WebhookHeaders } from '../../src/index.ts'
import { builds, clockAt } from '../builds.ts'

const NOW = 1_790_000_000
const secret = `whsec_${Buffer.alloc(32, 7).toString('base64')}`
const body = '{"type":"File.Create"}'
const parts = ['id', 'timestamp', 'signature'] as const
const families = ['svix', 'webhook'] as const

const signed: Record<string, string> = {}
for (const family of families) {
  const id = `msg_${family}`
  signed[`${family}-id`] = id
  signed[`${family}-timestamp`] = String(NOW)
  signed[`${family}-signature`] = await builds[1].createSigner(secret).sign({ id, timestamp: NOW, body })
}
const headersWith = (names: readonly string[]) =>
  Object.fromEntries(names.map((name) => [name, signed[name] ?? '']))
const shapes = {
  'a record': (headers: Record<string, string>): WebhookHeaders => headers,
  'a record in capitals': (headers: Record<string, string>): WebhookHeaders =>
    Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toUpperCase(), [value]])),
  'fetch headers': (headers: Record<string, string>): WebhookHeaders => new Headers(headers),
}

describe.each(builds)('$build', ({ createVerifier }) => {
  const verifier = createVerifier({ secrets: secret, clock: clockAt(NOW) })
  const verify = async (headers: WebhookHeaders) => verifier.verify(body, headers)

  it.each(Object.entries(shapes))(
    'takes the family that is whole, and mixes none, in %s',
    async (_, shaped) => {
      const subset = fc.subarray(Object.keys(signed))
      await fc.assert(
        fc.asyncProperty(subset, async (names) => {
          const whole = families.find((family) => parts.every((part) => names.includes(`${family}-${part}`)))
          const outcome = verify(shaped(headersWith(names)))
          if (whole) expect(await outcome).toMatchObject({ id: `msg_${whole}` })
          else await expect(outcome).rejects.toMatchObject({ code: 'missing_header' })
        }),
      )
    },
  )

  it('goes by svix- where both families are whole, and by nothing of the other', async () => {
    const both = { ...signed, 'webhook-signature': 'v1,x', 'webhook-timestamp': '0' }
    expect(await verify(both)).toMatchObject({ id: 'msg_svix' })
    await expect(verify({ ...signed, 'svix-signature': 'v1,x' })).rejects.toMatchObject({
      code: 'invalid_signature',
    })
  })

  it('counts an empty header as missing, and one that is there twice as there', async () => {
    expect(await verify({ ...signed, 'svix-id': '' })).toMatchObject({ id: 'msg_webhook' })
    await expect(verify({ ...signed, 'Svix-Id': 'msg_other' })).rejects.toMatchObject({
      code: 'invalid_header',
      message: expect.stringContaining('svix-id'),
    })
    const twice = new Headers(signed)
    twice.append('svix-id', 'msg_other')
    await expect(verify(twice)).rejects.toMatchObject({ message: expect.stringContaining('svix-id') })
  })

  it('names the header as the sender does', async () => {
    const svix = headersWith(['svix-id', 'svix-timestamp', 'svix-signature'])
    const messageOf = (headers: WebhookHeaders) =>
      verify(headers).then(
        () => 'accepted',
        (error: Error) => error.message,
      )
    expect(await messageOf(headersWith(['svix-id', 'svix-signature']))).toContain('svix-timestamp is missing')
    expect(await messageOf({ ...svix, 'svix-timestamp': 'x' })).toContain('svix-timestamp must be')
    expect(await messageOf({ ...svix, 'svix-signature': 'x' })).toContain('svix-signature is not')
    expect(await messageOf({})).toContain('webhook-id is missing')
  })
})
