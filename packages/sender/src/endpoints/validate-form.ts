import { PAYLOAD_FORMATS, type PayloadFormat } from '../messages/payload-format.ts'
import type { PayloadVersions } from '../messages/payload-versions.ts'
import { refuseUnless } from './invalid-endpoint.ts'

/** @throws WebhookSenderError `invalid_endpoint` */
export function validateFormat(given: unknown): PayloadFormat {
  const formats = PAYLOAD_FORMATS.map((format) => `'${format}'`).join(', ')
  refuseUnless(PAYLOAD_FORMATS.includes(given as PayloadFormat), 'format', `one of ${formats}`, given)
  return given as PayloadFormat
}

/** @throws WebhookSenderError `invalid_endpoint` */
export function validatePayloadVersion(given: unknown, { names, initial }: PayloadVersions): string | null {
  if (given === null) return initial
  const must =
    names.length === 0
      ? 'left out, since createWebhookSender was given no options.payloadVersions'
      : `one of ${names.map((name) => `'${name}'`).join(', ')}`
  refuseUnless(names.includes(given as string), 'payloadVersion', must, given)
  return given as string
}
