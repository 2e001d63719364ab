import { expect, it, vi } from 'vitest'
import { createVerifier, generateSecret } from '../src/index.ts'
import { clockAt } from './builds.ts'

const NOW = 1_790_000_000
const headers = {
  'webhook-id': 'a',
  'webhook-timestamp': String(NOW),
  'webhook-signature': Array.from(
    { length: 16 },
    (_, n) => `v1,${Buffer.alloc(32, n).toString('base64')}`,
  ).join(' '),
}

async function digestsFor(changed: Record<string, string>, secrets: string[]): Promise<number> {
  const digest = vi.spyOn(crypto.subtle, 'sign')
  try {
    const verifier = createVerifier({ secrets, clock: clockAt(NOW) })
    await expect(verifier.verify('{}', { ...headers, ...changed })).rejects.toThrow()
    return digest.mock.calls.length
  } finally {
    digest.mockRestore()
  }
}

it('digests the body once for each key, however many signatures there are', async () => {
  expect(await digestsFor({}, [generateSecret()])).toBe(1)
  expect(await digestsFor({}, [generateSecret(), generateSecret()])).toBe(2)
})

it.each([
  ['an old timestamp', { 'webhook-timestamp': String(NOW - 301) }],
  ['an id that cannot be one', { 'webhook-id': 'a.b' }],
  ['a list that is too long', { 'webhook-signature': `${headers['webhook-signature']} v2,a` }],
  ['no signature of a kind that fits', { 'webhook-signature': 'v2,a' }],
])('digests nothing of a message with %s', async (_, changed) => {
  expect(await digestsFor(changed, [generateSecret()])).toBe(0)
})
