// The y coordinates of the eight points whose order divides 8, as ed25519 writes them (little endian),
// in canonical form. Under such a key one fixed signature verifies for every message.
const SMALL_ORDER = [
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000000',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
]

/** Whether y is below 2^255 - 19: every point has one such spelling, and libraries differ over others. */
function isCanonical(y: Uint8Array): boolean {
  const first = y[0] ?? 0
  const isNearTop = y[31] === 0x7f && y.subarray(1, 31).every((byte) => byte === 0xff)
  return !isNearTop || first < 0xed
}

/** Whether a public key of 32 bytes is none of those for which a signature can be forged. */
export function isUsablePublicKey(publicKey: Uint8Array): boolean {
  const y = Uint8Array.from(publicKey)
  y[31] = (y[31] ?? 0) & 0x7f // the top bit is the sign of x
  const hex = Array.from(y, (byte) => byte.toString(16).padStart(2, '0')).join('')
  return isCanonical(y) && !SMALL_ORDER.includes(hex)
}
