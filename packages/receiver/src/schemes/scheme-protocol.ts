import { WebhookVerificationError } from '@x/signature'
import type { WebhookEvent } from '../event-patterns.ts'
import { fetchHeadersOf } from '../fetch-headers.ts'
import { problem, type ReceiverResponse } from '../problem.ts'
import type { OpenedMessage, Protocol, SchemeSettings } from '../protocol.ts'
import type { ReceiverInput } from '../receiver-input.ts'
import { sha256Hex } from './digest.ts'
import type { SchemeAnswer, SchemeDefinition, SchemeEvent, SchemeProof, SchemeRequest } from './scheme.ts'
import { formatOf, schemeRequest } from './scheme-request.ts'
import { noMatch } from './verify.ts'

const NOTHING = new Uint8Array()

/** The protocol of a sender that a scheme describes. */
export function schemeProtocol(scheme: SchemeDefinition, settings: SchemeSettings): Protocol {
  const { formats = ['json'] } = scheme

  const requestOf = (input: ReceiverInput, body: Uint8Array | string): SchemeRequest =>
    schemeRequest({ input, body, now: settings.clock.now(), toleranceSeconds: settings.toleranceSeconds })

  async function shakeHands(input: ReceiverInput): Promise<ReceiverResponse> {
    const answer = await scheme.handshake?.(requestOf(input, NOTHING))
    return answer
      ? responseOf(answer)
      : problem(405, 'method_not_allowed', 'Webhooks are sent with POST.', { allow: 'POST' })
  }

  const acknowledgement = responseOf(scheme.acknowledgement ?? {})

  return {
    acknowledgement,
    repeated: acknowledgement,
    admit(input) {
      if ((input.method ?? 'POST') !== 'POST') return shakeHands(input)
      const format = formatOf(fetchHeadersOf(input.headers).get('content-type'))
      if (format !== undefined && formats.includes(format)) return undefined
      const detail = `The webhooks of ${scheme.name} are sent as ${formats.join(' or ')}.`
      return problem(415, 'unsupported_media_type', detail)
    },
    open,
    async readOne(body, headers, url) {
      return onlyMessage(await open(body, { body, headers, url })).read()
    },
  }

  async function open(
    body: Uint8Array | string,
    input: ReceiverInput,
  ): Promise<readonly OpenedMessage[] | ReceiverResponse> {
    const request = requestOf(input, body)
    const proof = await scheme.verify(request)
    if (!proof) throw noMatch()
    const answer = scheme.challenge?.(request)
    if (answer) return responseOf(answer)
    const events = [scheme.event(request)].flat()
    const known = typeof proof === 'object' ? proof : {}
    const signedId = events.length === 1 ? idOf(known) : undefined
    const isUnnamed = signedId === undefined && events.some((event) => idOf(event) === undefined)
    const hash = isUnnamed ? await sha256Hex(request.body) : ''
    return events.map((event, index) => {
      const fallbackId = events.length === 1 ? `sha256_${hash}` : `sha256_${hash}_${index}`
      const id = signedId ?? idOf(event) ?? fallbackId
      return openedMessage(event, { id, name: scheme.name, proof: known, request })
    })
  }
}

interface Found {
  readonly id: string
  readonly name: string
  readonly proof: SchemeProof
  readonly request: SchemeRequest
}

function openedMessage(event: SchemeEvent, { id, name, proof, request }: Found): OpenedMessage {
  const { timestamp = Math.floor(request.now / 1_000), keyIndex = 0 } = proof
  const { type, data, timestamp: happened } = event
  const read = (): WebhookEvent => {
    // Schemas and the types that a receiver is given say what the data is; a scheme does not know.
    const value: object = {
      id,
      type: typeof type === 'string' && type !== '' ? type : name,
      timestamp: isoTime(happened) ?? new Date(timestamp * 1_000).toISOString(),
      data,
    }
    return value as WebhookEvent
  }
  return { message: { id, timestamp, keyIndex }, read }
}

/** Ids go into tables, keys and logs: visible ASCII, and not too long. */
function idOf({ id }: Pick<SchemeEvent, 'id'>): string | undefined {
  const text = typeof id === 'number' && Number.isSafeInteger(id) ? String(id) : id
  return typeof text === 'string' && /^[!-~]{1,256}$/.test(text) ? text : undefined
}

function isoTime(value: unknown): string | undefined {
  if (typeof value === 'string' && !Number.isNaN(Date.parse(value))) return value
  if (typeof value !== 'number' || !Number.isFinite(value) || Math.abs(value) > 8.64e12) return undefined
  return new Date(value * 1_000).toISOString()
}

function responseOf({ status = 200, headers = {}, body = '' }: SchemeAnswer): ReceiverResponse {
  return { status, headers, body }
}

function onlyMessage(opened: readonly OpenedMessage[] | ReceiverResponse): OpenedMessage {
  const [only, ...others] = 'status' in opened ? [] : opened
  if (only && others.length === 0) return only
  throw new WebhookVerificationError(
    'invalid_body',
    'The request does not bring one event: it is a challenge, or brings several. Receive it with handle or an adapter.',
  )
}
