import { randomBytes, type ScryptOptions, scrypt, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'

const derive = promisify<string, Buffer, number, ScryptOptions, Buffer>(scrypt)

// OWASP's second choice after Argon2id, which Node has only from 24.7 on: 32 MB and some 80 ms each.
const COST = { N: 2 ** 15, r: 8, p: 3 }
const MAX_MEMORY = 64 * 1024 * 1024
const KEY_BYTES = 32

/** Hashes a password for keeping; salt and cost are part of the text. */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(16)
  const key = await derive(password.normalize('NFKC'), salt, KEY_BYTES, { ...COST, maxmem: MAX_MEMORY })
  return ['scrypt', COST.N, COST.r, COST.p, salt.toString('base64'), key.toString('base64')].join('$')
}

/** Whether a password is the one that was hashed. Without a hash it takes as long, and is not. */
export async function isPassword(password: string, hash: string | undefined): Promise<boolean> {
  const [, n, r, p, salt, key] = (hash ?? (await nobodysHash())).split('$')
  const expected = Buffer.from(key ?? '', 'base64')
  const cost = { N: Number(n), r: Number(r), p: Number(p), maxmem: MAX_MEMORY }
  const given = await derive(
    password.normalize('NFKC'),
    Buffer.from(salt ?? '', 'base64'),
    expected.length,
    cost,
  )
  return timingSafeEqual(given, expected) && hash !== undefined
}

let kept: Promise<string> | undefined

// So that an answer takes as long for a name that does not exist.
function nobodysHash(): Promise<string> {
  kept ??= hashPassword(randomBytes(16).toString('hex'))
  return kept
}
