import { readWhole } from './argument.ts'

const DEFAULT_LIMIT = 50
const MAX_LIMIT = 250

/** @throws WebhookSenderError `invalid_argument` */
export function pageLimit(limit: number | undefined): number {
  return limit === undefined ? DEFAULT_LIMIT : readWhole('limit', limit, 1, MAX_LIMIT)
}
