import { createHash, createHmac } from 'node:crypto'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { jsHmac } from '../src/hmac-js.ts'
import { sha256 } from '../src/sha256-js.ts'

const bytes = fc.uint8Array({ maxLength: 300 })

it('digests like the native SHA-256, over every length around its blocks', () => {
  for (let length = 0; length <= 200; length++) {
    const message = Buffer.alloc(length, length)
    expect(Buffer.from(sha256(message))).toEqual(createHash('sha256').update(message).digest())
  }
})

it('authenticates like the native HMAC, with keys shorter and longer than a block', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 130 }), bytes, (secret, message) => {
      expect(Buffer.from(jsHmac(secret)(message))).toEqual(
        createHmac('sha256', secret).update(message).digest(),
      )
    }),
  )
})
