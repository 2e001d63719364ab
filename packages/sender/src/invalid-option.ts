import { shown, WebhookSenderError } from './errors.ts'

/** @throws WebhookSenderError `invalid_option` */
export function refuseUnless(fits: boolean, name: string, expected: string, value: unknown): void {
  if (fits) return
  throw new WebhookSenderError(
    'invalid_option',
    `createWebhookSender: options.${name} must be ${expected}; got ${shown(value)}.`,
    { field: name },
  )
}

/** @throws WebhookSenderError `invalid_option` */
export function readFlag(name: string, value: boolean): boolean {
  refuseUnless(typeof value === 'boolean', name, 'true or false', value)
  return value
}

/** @throws WebhookSenderError `invalid_option` */
export function readInteger(name: string, value: number, minimum: number, maximum = 2 ** 31 - 1): number {
  refuseUnless(
    Number.isSafeInteger(value) && value >= minimum && value <= maximum,
    name,
    `an integer from ${minimum} to ${maximum}`,
    value,
  )
  return value
}
