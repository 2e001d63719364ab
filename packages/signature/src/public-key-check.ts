const P = 2n ** 255n - 19n

/**
 * Whether a public key of 32 bytes is none of those for which a signature can be forged: under a point
 * whose order divides 8, one fixed signature verifies for every message. Nor one that libraries read
 * in different ways, with a y that is not below 2^255 - 19.
 */
export function isUsablePublicKey(publicKey: Uint8Array): boolean {
  let y = 0n
  // Little endian; the top bit is the sign of x.
  for (let index = 31; index >= 0; index--) {
    const byte = publicKey[index] ?? 0
    y = y * 256n + BigInt(index === 31 ? byte & 0x7f : byte)
  }
  const square = (y * y) % P
  // The orders 1, 2 and 4 are y = 1, -1 and 0. Doubling a point of order 8 gives y = 0, which means
  // x^2 = -y^2, and in the equation of the curve (d = -121665/121666) d y^4 + 2 y^2 - 1 = 0.
  const order8 = 121665n * square * square - 243332n * square + 121666n
  return y < P && (y * (square - 1n) * order8) % P !== 0n
}
