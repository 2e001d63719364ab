// SHA-256 (FIPS 180-4) for callers that cannot wait for WebCrypto: see hmac-js.ts.

function firstPrimes(count: number): number[] {
  const primes: number[] = []
  for (let candidate = 2; primes.length < count; candidate++) {
    if (primes.every((prime) => candidate % prime !== 0)) primes.push(candidate)
  }
  return primes
}

const fractionBits = (value: number) => Math.floor((value % 1) * 2 ** 32)

// Marked as pure, so that a bundle that does not use this file does not compute its constants.
const PRIMES = /* @__PURE__ */ firstPrimes(64)
const ROUND_CONSTANTS = /* @__PURE__ */ Int32Array.from(PRIMES, (prime) => fractionBits(Math.cbrt(prime)))
const INITIAL_STATE = /* @__PURE__ */ Int32Array.from(PRIMES.slice(0, 8), (prime) =>
  fractionBits(Math.sqrt(prime)),
)

const rotate = (word: number, by: number) => (word >>> by) | (word << (32 - by))

function pad(message: Uint8Array): DataView {
  const length = Math.ceil((message.length + 9) / 64) * 64
  const padded = new Uint8Array(length)
  padded.set(message)
  padded[message.length] = 0x80
  const view = new DataView(padded.buffer)
  view.setUint32(length - 8, Math.floor(message.length / 2 ** 29))
  view.setUint32(length - 4, message.length << 3)
  return view
}

function compress(state: Int32Array, schedule: Int32Array): void {
  // Typed arrays of known length: every index below is in bounds.
  const word = (index: number) => schedule[index] as number
  for (let index = 16; index < 64; index++) {
    const early = word(index - 15)
    const late = word(index - 2)
    const sigma0 = rotate(early, 7) ^ rotate(early, 18) ^ (early >>> 3)
    const sigma1 = rotate(late, 17) ^ rotate(late, 19) ^ (late >>> 10)
    schedule[index] = word(index - 16) + sigma0 + word(index - 7) + sigma1
  }
  let [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0] = state
  for (let round = 0; round < 64; round++) {
    const sum1 = rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)
    const choice = (e & f) ^ (~e & g)
    const first = (h + sum1 + choice + (ROUND_CONSTANTS[round] as number) + word(round)) | 0
    const sum0 = rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)
    const majority = (a & b) ^ (a & c) ^ (b & c)
    h = g
    g = f
    f = e
    e = (d + first) | 0
    d = c
    c = b
    b = a
    a = (first + sum0 + majority) | 0
  }
  for (const [index, value] of [a, b, c, d, e, f, g, h].entries())
    state[index] = (state[index] as number) + value
}

/** The SHA-256 digest of a message, in plain JavaScript. */
export function sha256(message: Uint8Array): Uint8Array<ArrayBuffer> {
  const view = pad(message)
  const state = Int32Array.from(INITIAL_STATE)
  const schedule = new Int32Array(64)
  for (let offset = 0; offset < view.byteLength; offset += 64) {
    for (let index = 0; index < 16; index++) schedule[index] = view.getInt32(offset + index * 4)
    compress(state, schedule)
  }
  const digest = new DataView(new ArrayBuffer(32))
  for (const [index, value] of state.entries()) digest.setInt32(index * 4, value)
  return new Uint8Array(digest.buffer)
}
