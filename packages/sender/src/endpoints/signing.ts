import type { Clock } from '@x/events-core'
import { createSigner, type SyncSigner, sequenceContent } from '@x/signature'
import type { DueDelivery } from '../deliveries/due-delivery.ts'
import { requestHeaders, sequenceHeaders } from '../http/post.ts'
import type { SecretRow } from '../store/secrets.ts'
import type { DeliveryStore } from '../store/store.ts'
import type { SecretCipher } from './cipher.ts'
import type { EndpointRow } from './fields.ts'

/** What messages of an endpoint are signed with, and which headers they have besides. */
export interface Signing {
  readonly endpointId: string
  /** Of the endpoint: a change makes it another. */
  readonly version: number
  /** The endpoint's own headers, and the sender's `webhookOrigin`, name and value in turn. */
  readonly ownHeaders: readonly string[]
  readonly signer: SyncSigner
  /** When the first of its secrets expires, and it has to be worked out again. */
  readonly validUntil: number
}

/** What {@link signingOf} works with. */
export interface SigningParts {
  readonly store: DeliveryStore
  readonly cipher: SecretCipher
  readonly clock: Clock
  /** What each request says of the system that sends it, where it has a name. */
  readonly webhookOrigin: string | undefined
}

/** What an endpoint signs with: its secrets as they are stored, or keys that are not stored yet. */
export type SigningKeys = { readonly secrets: readonly SecretRow[] } | { readonly keys: readonly string[] }

/** @throws WebhookSenderError `wrong_encryption_key` */
export function signingOf(
  { id, version, headers }: EndpointRow,
  from: SigningKeys,
  { cipher, webhookOrigin }: Pick<SigningParts, 'cipher' | 'webhookOrigin'>,
): Signing {
  const secrets = 'secrets' in from ? from.secrets : []
  const keys = 'keys' in from ? from.keys : secrets.map(({ sealed }) => cipher.decrypt(sealed, id))
  return {
    endpointId: id,
    version,
    ownHeaders: [
      ...Object.entries(headers).flat(),
      ...(webhookOrigin === undefined ? [] : ['webhook-request-origin', webhookOrigin]),
    ],
    signer: createSigner(keys),
    validUntil: Math.min(...secrets.map(({ expiresOn }) => expiresOn ?? Number.POSITIVE_INFINITY)),
  }
}

/** What a message needs to be signed. */
export type SignedContent = Pick<DueDelivery, 'eventId' | 'body' | 'headers' | 'link'>

/** Signs a message: the headers that it is sent with, name and value in turn. */
export function signMessage(
  userAgent: string,
  { signer, endpointId, ownHeaders }: Signing,
  { eventId, body, headers: ofMessage, link }: SignedContent,
  now: number,
): { readonly signature: string; readonly headers: string[] } {
  const timestamp = Math.floor(now / 1_000)
  const signature = signer.sign({ id: eventId, timestamp, body })
  const headers = requestHeaders(userAgent, eventId, timestamp, signature, ofMessage)
  if (link) {
    const place = { endpoint: endpointId, ...link }
    headers.push(
      ...sequenceHeaders(place, signer.sign({ id: eventId, timestamp, body: sequenceContent(place) })),
    )
  }
  for (const part of ownHeaders) headers.push(part)
  return { signature, headers }
}
