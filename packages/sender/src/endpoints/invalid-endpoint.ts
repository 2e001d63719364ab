import { shown, WebhookSenderError } from '../errors.ts'

/** @throws WebhookSenderError `invalid_endpoint` */
export function refuseUnless(fits: boolean, field: string, expected: string, value: unknown): void {
  if (fits) return
  throw new WebhookSenderError(
    'invalid_endpoint',
    `The endpoint's ${field} must be ${expected}; got ${shown(value)}.`,
    { field },
  )
}
