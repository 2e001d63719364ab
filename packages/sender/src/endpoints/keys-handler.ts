import { createHash } from 'node:crypto'
import type { Assertion, FieldNames } from '@x/events-core'
import { parseSecret } from '@x/signature'
import { createOptionAssertion, WebhookSenderError } from '../errors.ts'
import { isUniqueId } from '../ids.ts'
import type { Endpoints } from './endpoints.ts'

/** Options of {@link createKeysHandler}. */
export interface KeysHandlerOptions {
  /** Whose endpoints' keys are published. */
  readonly sender: { readonly endpoints: Pick<Endpoints, 'get' | 'secrets'> }
  /**
   * How long consumers, and what is between, may use a document without asking again, in seconds: a key that was withdrawn
   * is believed for that long.
   * @defaultValue 300
   */
  readonly maxAgeSeconds?: number | undefined
}

/** Publishes public keys; see {@link createKeysHandler}. */
export interface KeysHandler {
  /** Answers a GET or HEAD whose path ends with an endpoint's id. It rejects when the database does. */
  handle(request: Request): Promise<Response>
}

const assertOption: Assertion = createOptionAssertion('createKeysHandler')

const OPTIONS: FieldNames<KeysHandlerOptions> = { sender: true, maxAgeSeconds: true }

interface PublicJwk {
  readonly kty: 'OKP'
  readonly crv: 'Ed25519'
  readonly x: string
  readonly use: 'sig'
  readonly kid: string
}

/**
 * Publishes the public keys of endpoints that sign with a key pair (`signature: 'ed25519'`), as JSON Web Key Sets (RFC
 * 7517): the current key of one endpoint, and those before that still sign with it. Mount it at
 * `/.well-known/webhook-keys/<endpoint id>`, without a login; consumers give the URL to `jwks` of `@x/receiver`, and
 * `endpoints.rotateSecret` needs nothing of them.
 *
 * Each endpoint has a document of its own, since one consumer must not believe what was signed for another.
 *
 * @throws WebhookSenderError `invalid_option`
 *
 * @example
 * ```ts
 * import { createKeysHandler, type WebhookSender } from '@x/sender'
 *
 * function publish(sender: WebhookSender, request: Request): Promise<Response> | undefined {
 *   const keys = createKeysHandler({ sender })
 *   if (new URL(request.url).pathname.startsWith('/.well-known/webhook-keys/')) return keys.handle(request)
 * }
 * ```
 */
export function createKeysHandler(options: KeysHandlerOptions): KeysHandler {
  const { sender, maxAgeSeconds = 300 } = assertOption.fields('', options, OPTIONS)
  const isSender = typeof Object(Object(sender).endpoints).secrets === 'function'
  assertOption(isSender, 'sender', 'what createWebhookSender has returned', sender)
  assertOption.integer('maxAgeSeconds', maxAgeSeconds, 0)

  /** Undefined for an endpoint that is not there, and for one whose consumer shares its secret: which, is not told. */
  async function keysOf(id: string): Promise<readonly PublicJwk[] | undefined> {
    if (!isUniqueId('ep_', id)) return undefined
    try {
      const { signature } = await sender.endpoints.get(id)
      if (signature !== 'ed25519') return undefined
      return (await sender.endpoints.secrets(id)).map(({ secret }) => publicJwk(secret))
    } catch (error) {
      if (WebhookSenderError.is(error) && error.code === 'endpoint_not_found') return undefined
      throw error
    }
  }

  return {
    async handle({ method, url }) {
      if (method !== 'GET' && method !== 'HEAD') {
        return new Response(null, { status: 405, headers: { allow: 'GET, HEAD' } })
      }
      const id = new URL(url).pathname.split('/').at(-1) ?? ''
      const keys = await keysOf(id)
      if (!keys) return new Response(null, { status: 404, headers: { 'cache-control': 'no-store' } })
      const headers = {
        'content-type': 'application/jwk-set+json',
        'cache-control': `public, max-age=${maxAgeSeconds}`,
        'x-content-type-options': 'nosniff',
      }
      return new Response(method === 'HEAD' ? null : JSON.stringify({ keys }), { headers })
    },
  }
}

/** A public key as RFC 8037 writes it, named by its thumbprint (RFC 7638). Throws for a key of any other kind. */
function publicJwk(text: string): PublicJwk {
  const key = parseSecret(text)
  if (key.kind !== 'ed25519-public') throw new TypeError('Only public keys are published.')
  const x = Buffer.from(key.publicKey).toString('base64url')
  const thumbprint = JSON.stringify({ crv: 'Ed25519', kty: 'OKP', x })
  const kid = createHash('sha256').update(thumbprint).digest('base64url')
  return { kty: 'OKP', crv: 'Ed25519', x, use: 'sig', kid }
}
