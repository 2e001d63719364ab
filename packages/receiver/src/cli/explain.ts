import { createHmac } from 'node:crypto'
import {
  createVerifier,
  parseSecret,
  type RawWebhookHeaders,
  readHeaders,
  WebhookVerificationError,
} from '@x/signature'
import { guessBodies, guessHeads, guessKeys } from './guesses.ts'

/** A request as somebody captured it. */
export interface CapturedRequest {
  readonly headers: Readonly<Record<string, readonly string[]>>
  readonly body: Buffer
}

/** What became of it. */
export interface Explanation {
  readonly verifies: boolean
  readonly lines: readonly string[]
}

const clockAt = (seconds: number) => ({ now: () => seconds * 1000 })

/** A request whose three headers could be read. */
interface ReadRequest extends CapturedRequest {
  readonly signed: RawWebhookHeaders
}

function refusalOf(request: CapturedRequest, secrets: readonly string[], clock: { now(): number }) {
  try {
    createVerifier({ secrets, clock }).verify(request.body, request.headers)
    return undefined
  } catch (error) {
    if (WebhookVerificationError.is(error)) return error
    throw error
  }
}

function fits(
  key: Buffer,
  [head, body]: readonly [string, Buffer],
  signatures: ReadonlySet<string>,
): boolean {
  return signatures.has(`v1,${createHmac('sha256', key).update(head).update(body).digest('base64')}`)
}

/** The combinations with fewest things wrong, of those that would make the signature fit. */
function whatWentWrong(request: ReadRequest, secret: string): readonly string[] | undefined {
  const { signed } = request
  const signatures = new Set(signed.signature.split(' '))
  const heads = guessHeads(signed)
  let best: readonly string[] | undefined
  for (const key of guessKeys(secret)) {
    for (const head of heads) {
      for (const body of guessBodies(request.body)) {
        const wrong = [key, head, body].flatMap(({ explanation }) => explanation ?? [])
        if (best && best.length <= wrong.length) continue
        if (fits(key.value, [head.value, body.value], signatures)) best = wrong
      }
    }
  }
  return best
}

function lengthHint(request: CapturedRequest): string[] {
  const announced = request.headers['content-length']?.[0] ?? ''
  if (announced === '' || Number(announced) === request.body.length) return []
  return [
    `The body has ${request.body.length} bytes, but content-length says ${announced}: it is not the body that arrived.`,
  ]
}

function kindHint({ signed }: ReadRequest, secrets: readonly string[]): string[] {
  const labels = signed.signature.split(' ').map((entry) => entry.split(',')[0])
  const kinds = secrets.map((secret) => parseSecret(secret).kind)
  if (!labels.includes('v1') && !kinds.includes('ed25519-public')) {
    return [
      'Secret: there is no HMAC signature (v1); this sender signs with ed25519 and gives out a public key, whpk_.',
    ]
  }
  if (!labels.includes('v1a') && !kinds.includes('hmac')) {
    return ['Secret: there is no ed25519 signature (v1a); this sender signs with a shared secret, whsec_.']
  }
  return []
}

function mismatch(request: ReadRequest, secrets: readonly string[]): string[] {
  const hints = [...kindHint(request, secrets), ...lengthHint(request)]
  for (const secret of secrets) {
    if (!secret.startsWith('whsec_')) continue
    const wrong = whatWentWrong(request, secret)
    if (wrong && wrong.length > 0) return [...wrong, ...hints]
  }
  if (hints.length > 0) return hints
  return [
    'It cannot be told whether the secret is another one, or the body was changed in a way that is not tried here.',
    'The secret: compare it with that of this endpoint, character by character; each endpoint has its own.',
    'The body: it has to be the bytes that arrived, before any parser, proxy or editor.',
  ]
}

/** Finds out why a captured request does not verify, as far as that can be told. */
export function explain(
  request: CapturedRequest,
  secrets: readonly string[],
  nowSeconds: number,
): Explanation {
  const refusal = refusalOf(request, secrets, clockAt(nowSeconds))
  if (!refusal) return { verifies: true, lines: ['It verifies.'] }
  const lines = [`It does not verify (${refusal.code}): ${refusal.message}`]
  const isMismatch = refusal.code === 'no_matching_signature'
  const isLateOrEarly = refusal.code === 'timestamp_too_old' || refusal.code === 'timestamp_too_new'
  if (!isMismatch && !isLateOrEarly) return { verifies: false, lines }
  const read = { ...request, signed: readHeaders(request.headers) }
  if (isMismatch) return { verifies: false, lines: [...lines, ...mismatch(read, secrets)] }
  // The clock aside, is it a message of this sender?
  const other = refusalOf(request, secrets, clockAt(Number(read.signed.timestamp)))
  if (!other) {
    lines.push('Apart from that, everything fits: id, body and secret are right.')
    return { verifies: false, lines }
  }
  lines.push(`Nor did it verify when it was signed: ${other.message}`)
  if (other.code === 'no_matching_signature') lines.push(...mismatch(read, secrets))
  return { verifies: false, lines }
}
