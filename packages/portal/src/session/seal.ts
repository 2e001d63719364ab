import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto'
import { assertOption } from '../assert-option.ts'

/** Writes something down so that only this host can read it, or make one. */
export interface Seal<TContent> {
  /** @param expiresOn - milliseconds since 1970 */
  seal(content: TContent, expiresOn: number): string
  /** The content; undefined for what was not sealed here, was changed, or is over. */
  open(sealed: string, now: number): TContent | undefined
}

/** What {@link createSeal} works with. */
export interface SealParts {
  readonly secret: string | Uint8Array
  /** The option that the secret was given as. */
  readonly option: string
  /** What is sealed for one purpose means nothing for another, whatever secret they share. */
  readonly purpose: string
}

const MIN_SECRET_LENGTH = 32
const IV_BYTES = 12
const TAG_BYTES = 16

/** @throws RangeError for a secret that could be guessed, TypeError for what is none. */
export function createSeal<TContent>({ secret, option, purpose }: SealParts): Seal<TContent> {
  const isSecret = typeof secret === 'string' || secret instanceof Uint8Array
  // A wrong one may be most of a secret, so that the message does not repeat it.
  assertOption(isSecret, option, 'a text or bytes', isSecret ? '' : typeof secret)
  if (secret.length < MIN_SECRET_LENGTH) {
    throw new RangeError(
      `The portal's ${option} must have at least ${MIN_SECRET_LENGTH} characters or bytes; got ${secret.length}. Make one with: openssl rand -base64 32`,
    )
  }
  const key = createHash('sha256').update(purpose).update('\0').update(secret).digest()

  return {
    seal(content, expiresOn) {
      const iv = randomBytes(IV_BYTES)
      const cipher = createCipheriv('aes-256-gcm', key, iv)
      const text = JSON.stringify([expiresOn, content])
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
        const [expiresOn, content] = JSON.parse(text + decipher.final('utf8')) as [number, TContent]
        return now < expiresOn ? content : undefined
      } catch {
        return undefined
      }
    },
  }
}
