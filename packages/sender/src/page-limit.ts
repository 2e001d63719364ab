import { shown, WebhookSenderError } from './errors.ts'

const DEFAULT_LIMIT = 50
const MAX_LIMIT = 250

/** @throws WebhookSenderError `invalid_argument` */
export function pageLimit(method: string, limit: number | undefined): number {
  if (limit === undefined) return DEFAULT_LIMIT
  if (Number.isSafeInteger(limit) && limit >= 1 && limit <= MAX_LIMIT) return limit
  throw new WebhookSenderError(
    'invalid_argument',
    `${method}: limit must be an integer from 1 to ${MAX_LIMIT}; got ${shown(limit)}.`,
    { field: 'limit' },
  )
}
