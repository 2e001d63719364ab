import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto'

/** Writes a session down so that only this host can read it, or make one. */
export interface SessionSeal {
  /** @param expiresOn - milliseconds since 1970 */
  seal(token: string, expiresOn: number): string
  /** The token; undefined for what was not sealed here, was changed, or is over. */
  open(sealed: string, now: number): string | undefined
}

const MIN_SECRET_LENGTH = 32
const IV_BYTES = 12
const TAG_BYTES = 16
// What is sealed here with a secret that serves elsewhere as well means nothing there.
const PURPOSE = 'x-events portal session 1'

/** @throws RangeError for a secret that could be guessed. */
export function createSessionSeal(secret: string | Uint8Array): SessionSeal {
  if (secret.length < MIN_SECRET_LENGTH) {
    throw new RangeError(
      `The portal's signIn.secret must have at least ${MIN_SECRET_LENGTH} characters or bytes; got ${secret.length}. Make one with: openssl rand -base64 32`,
    )
  }
  const key = createHash('sha256').update(PURPOSE).update('\0').update(secret).digest()

  return {
    seal(token, expiresOn) {
      const iv = randomBytes(IV_BYTES)
      const cipher = createCipheriv('aes-256-gcm', key, iv)
      const text = JSON.stringify([expiresOn, token])
      return Buffer.concat([iv, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()]).toString(
        'base64url',
      )
    },
    open(sealed, now) {
      const bytes = Buffer.from(sealed, 'base64url')
      if (bytes.length <= IV_BYTES + TAG_BYTES) return undefined
      try {
        const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, IV_BYTES), {
          authTagLength: TAG_BYTES,
        })
        decipher.setAuthTag(bytes.subarray(-TAG_BYTES))
        const text = decipher.update(bytes.subarray(IV_BYTES, -TAG_BYTES), undefined, 'utf8')
        const [expiresOn, token] = JSON.parse(text + decipher.final('utf8')) as [number, string]
        return now < expiresOn ? token : undefined
      } catch {
        return undefined
      }
    },
  }
}
