import { runInNewContext } from 'node:vm'
import { describe, expect, it } from 'vitest'
import { builds, clockAt } from './builds.ts'

const NOW = 1_790_000_000

describe.each(builds)('$build', ({ createSigner, createVerifier, generateSecret }) => {
  const secret = generateSecret()
  const verify = async (signed: Uint8Array | string, received: unknown) => {
    const signature = await createSigner(secret).sign({ id: 'a', timestamp: NOW, body: signed })
    const headers = { 'webhook-id': 'a', 'webhook-timestamp': String(NOW), 'webhook-signature': signature }
    return createVerifier({ secrets: secret, clock: clockAt(NOW) }).verify(received as string, headers)
  }

  it.each([
    ['a byte order mark', Buffer.from('\ufeff{}')],
    ['bytes that are no UTF-8', Buffer.from([0x7b, 0xff, 0xfe, 0x7d])],
    ['nothing', Buffer.alloc(0)],
    ['part of a larger buffer', Buffer.from('xx{}xx').subarray(2, 4)],
  ])('verifies %s', async (_, bytes) => {
    await expect(verify(bytes, bytes)).resolves.toMatchObject({ id: 'a' })
    const buffer = Uint8Array.from(bytes).buffer
    await expect(verify(bytes, buffer)).resolves.toMatchObject({ id: 'a' })
    await expect(verify(bytes, new DataView(buffer))).resolves.toMatchObject({ id: 'a' })
  })

  it('takes the bytes of another realm, as test runners hand them over', async () => {
    const foreign = runInNewContext(
      '({ view: Uint8Array.of(123, 125), buffer: Uint8Array.of(123, 125).buffer })',
    )
    await expect(verify('{}', foreign.view)).resolves.toMatchObject({ id: 'a' })
    await expect(verify('{}', foreign.buffer)).resolves.toMatchObject({ id: 'a' })
  })

  it.each([[{ type: 'File.Create' }], [[1]], [null], [undefined], [12]])(
    'refuses what a parser made, and says how to get the bytes: %j',
    async (parsed) => {
      await expect(verify('{}', parsed)).rejects.toMatchObject({ code: 'invalid_body' })
      await expect(verify('{}', parsed)).rejects.toThrow(/express\.raw.*arrayBuffer/)
    },
  )

  it('refuses text that stands for no bytes', async () => {
    await expect(verify('"\ufffd"', '"\ud800"')).rejects.toMatchObject({ code: 'invalid_body' })
  })
})
