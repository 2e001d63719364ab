import type { WebhookHeaders } from '@x/signature'
import { problem, type ReceiverResponse } from './problem.ts'
import type { ReceiverInput } from './receiver-input.ts'

const JSON_TYPE = /^application\/(?:json|[\w.+-]{1,100}\+json)\s*(?:;|$)/i

function contentType(headers: WebhookHeaders): string | undefined {
  if ('get' in headers && typeof headers.get === 'function') return headers.get('content-type') ?? undefined
  for (const [name, value] of Object.entries(headers)) {
    if (name.toLowerCase() === 'content-type' && typeof value === 'string') return value
  }
  return undefined
}

/** The answer to a request that can be no webhook, whoever sent it; undefined when it can. */
export function requestProblem(input: ReceiverInput): ReceiverResponse | undefined {
  if (input.method !== undefined && input.method !== 'POST') {
    return problem(405, 'method_not_allowed', 'Webhooks are sent with POST.', { allow: 'POST' })
  }
  const type = contentType(input.headers)
  if (type === undefined || JSON_TYPE.test(type)) return undefined
  return problem(415, 'unsupported_media_type', 'The content type of a webhook is application/json.')
}
