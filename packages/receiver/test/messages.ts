import { generateSecret } from '../src/index.ts'
import { signedRequest, type TestMessage } from '../src/testing.ts'

export const secret = generateSecret()

/** The body of a webhook of one type. */
export function payloadOf(type: string): object {
  const [entityName = '', action = ''] = type.split('.')
  const data = { tenantId: 1, siteId: 7, siteKey: '1:7', entityName, entityId: 12, action }
  return { type, timestamp: '2026-11-24T08:00:00.000Z', data }
}

/** A signed request, of `File.Create` unless the test says otherwise. */
export function request(message: Partial<TestMessage> = {}): Request {
  return signedRequest({ secret, body: payloadOf('File.Create'), ...message })
}
