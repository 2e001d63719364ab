import type { AttemptResult } from '../src/deliveries/attempt-result.ts'

/** What came of a first attempt that went well, of a delivery that was due at `wasDueOn`. */
export const successOf = (
  endpointKey: number,
  messageKey: number,
  epoch: number,
  wasDueOn: number,
): AttemptResult => ({
  endpointKey,
  messageKey,
  epoch,
  number: 1,
  step: 1,
  state: 'succeeded',
  orderingKey: null,
  manual: false,
  wasDueOn,
  dueOn: null,
  startedOn: wasDueOn,
  durationMs: 3,
  signature: 'v1,x',
  url: 'https://example.com/',
  status: 204,
  errorCode: null,
  errorMessage: null,
  responseBody: null,
  details: null,
  counted: true,
  notice: null,
})
