import { describe, expect, it } from 'vitest'
import { parseSecret, WebhookKeyError } from '../src/index.ts'

// ed25519 in affine coordinates, slow and plain (RFC 8032, section 5.1).
const P = 2n ** 255n - 19n
const mod = (value: bigint) => ((value % P) + P) % P
function power(base: bigint, exponent: bigint): bigint {
  let result = 1n
  for (let square = mod(base), rest = exponent; rest > 0n; rest >>= 1n, square = mod(square * square)) {
    if (rest & 1n) result = mod(result * square)
  }
  return result
}
const inverse = (value: bigint) => power(value, P - 2n)
const D = mod(-121665n * inverse(121666n))

type Point = readonly [x: bigint, y: bigint]

function double([x, y]: Point): Point {
  const product = mod(D * x * x * y * y)
  return [mod(2n * x * y * inverse(1n + product)), mod((y * y + x * x) * inverse(1n - product))]
}

const SQRT_MINUS_ONE = power(2n, (P - 1n) / 4n)

function squareRoot(value: bigint): bigint | undefined {
  const root = power(value, (P + 3n) / 8n)
  return [root, mod(root * SQRT_MINUS_ONE)].find((candidate) => mod(candidate * candidate) === value)
}

function pointAt(y: bigint): Point | undefined {
  const x = squareRoot(mod((y * y - 1n) * inverse(D * y * y + 1n)))
  return x === undefined ? undefined : [x, y]
}

function encode(y: bigint, sign: 0 | 1): Uint8Array {
  const hex = (y | (BigInt(sign) << 255n)).toString(16).padStart(64, '0')
  return Uint8Array.from(Buffer.from(hex, 'hex')).reverse()
}

const whpk = (bytes: Uint8Array) => `whpk_${Buffer.from(bytes).toString('base64')}`

// Orders 1, 2 and 4 have y = 1, -1 and 0. Doubling a point of order 8 gives y = 0, so that
// x^2 + y^2 = 0, which in the equation of the curve is D * y^4 + 2 * y^2 - 1 = 0.
function smallOrderYs(): bigint[] {
  const root = squareRoot(mod(1n + D)) ?? 0n
  const ofOrder8 = [root, -root]
    .map((signed) => squareRoot(mod((signed - 1n) * inverse(D))))
    .filter((y) => y !== undefined)
    .flatMap((y) => [y, mod(-y)])
  return [0n, 1n, P - 1n, ...ofOrder8]
}

describe('a public key', () => {
  const ys = smallOrderYs()

  it('of small order exists for five values of y', () => {
    expect(ys).toHaveLength(5)
    for (const y of ys) {
      const point = pointAt(y)
      expect(point && double(double(double(point)))).toEqual([0n, 1n])
    }
  })

  it.each(ys.flatMap((y) => [encode(y, 0), encode(y, 1)]).map(whpk))(
    'of small order is refused: %s',
    (key) => {
      expect(() => parseSecret(key)).toThrow(WebhookKeyError)
      const asPrivateKey = Buffer.concat([Buffer.alloc(32, 1), Buffer.from(key.slice(5), 'base64')])
      expect(() => parseSecret(`whsk_${asPrivateKey.toString('base64')}`)).toThrow(WebhookKeyError)
    },
  )

  it.each(Array.from({ length: 19 }, (_, index) => whpk(encode(P + BigInt(index), 0))))(
    'that is not in canonical form is refused: %s',
    (key) => {
      expect(() => parseSecret(key)).toThrow(WebhookKeyError)
    },
  )

  it('just below the limit is not refused', () => {
    expect(parseSecret(whpk(encode(P - 2n, 0)))).toMatchObject({ kind: 'ed25519-public' })
  })
})
