import { describe, expect, it } from 'vitest'
import { type VerifierOptions, WebhookKeyError } from '../../src/index.ts'
import { builds } from '../builds.ts'

describe.each(builds)('$build', (build) => {
  const secrets = build.generateSecret()
  const verifiers = { createVerifier: build.createVerifier, createSyncVerifier: build.createSyncVerifier }

  it.each([
    ['no options', undefined, 'options must be a plain object; got undefined'],
    ['null', null, 'options must be a plain object; got null'],
    ['a list', [secrets], 'options must be a plain object; got object'],
    ['a number', 5, 'options must be a plain object; got 5'],
    ['a secret alone', secrets, 'options must be a plain object; got string'],
    ['a misspelt name', { secrets, tolerance: 5 }, 'options.tolerance must be left out'],
    ['a name that every object has', { secrets, toString: 5 }, 'options.toString must be left out'],
    ['no number of seconds', { secrets, toleranceSeconds: '300' }, 'options.toleranceSeconds must be'],
    ['a clock of null', { secrets, clock: null }, 'options.clock must be a Clock; got null'],
    ['a clock that is none', { secrets, clock: { time: () => 1 } }, 'options.clock must be a Clock'],
  ])('refuses %s', (_, options, message) => {
    for (const create of Object.values(verifiers)) {
      expect(() => create(options as never)).toThrow(
        expect.objectContaining({ code: 'invalid_argument', message: expect.stringContaining(message) }),
      )
    }
  })

  it('takes all options that there are, of whatever realm', () => {
    const options: VerifierOptions = { secrets, toleranceSeconds: 0, clock: { now: () => 0 } }
    for (const create of Object.values(verifiers)) {
      create(options)
      create(Object.assign(Object.create(null), options))
      create({ secrets, toleranceSeconds: undefined, clock: undefined })
    }
  })

  it.each([null, 5, undefined, {}])('signs no message %j', async (message) => {
    const sign = async () => build.createSigner(secrets).sign(message as never)
    await expect(sign()).rejects.toMatchObject({ code: 'invalid_argument' })
  })

  it.each([5, {}, 'a text that is long enough to be the bytes', new Array(32), null])(
    'makes no key of %j, whose bytes would be few or zeros',
    (bytes) => {
      expect(() => build.hmacKey(bytes as never)).toThrow(WebhookKeyError)
    },
  )

  it('makes a key of bytes of any kind', () => {
    expect(build.hmacKey(Buffer.alloc(32, 1)).secret).toHaveLength(32)
  })

  it.each([
    ['sequence', { endpoint: 'ep_1', sequenec: 1, chain: 'abc' }],
    ['endpoint', { endpiont: 'ep_1', sequence: 1, chain: 'abc' }],
    ['chain', { endpoint: 'ep_1', sequence: 1, chain: null }],
    ['sequence', null],
  ])('writes no link without its %s', (name, link) => {
    expect(() => build.sequenceContent(link as never)).toThrow(
      expect.objectContaining({ code: 'invalid_argument', message: expect.stringContaining(name) }),
    )
  })

  it.each([
    ['digest', { sequence: 1, id: 'evt_1', digset: 'abc' }],
    ['id', { sequence: 1, digest: 'abc' }],
    ['sequence', { sequence: '1', id: 'evt_1', digest: 'abc' }],
    ['sequence', null],
  ])('chains no message without its %s', async (name, message) => {
    await expect(async () => build.chainNext('abc', message as never)).rejects.toMatchObject({
      code: 'invalid_argument',
      message: expect.stringContaining(name),
    })
  })
})
