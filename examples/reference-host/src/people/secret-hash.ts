import { createHash, randomBytes } from 'node:crypto'

/** 256 random bits, in characters that fit into a header, a cookie and a shell. */
export function generateToken(): string {
  return randomBytes(32).toString('base64url')
}

/** What is kept of a token: whoever reads the database cannot use it. Random tokens need no salt. */
export function hashOfToken(token: string): string {
  return createHash('sha256').update(token).digest('hex')
}
