import { expect, it, vi } from 'vitest'
import { createReceiver, ReceiverError, WebhookVerificationError } from '../src/index.ts'
import { secret } from './messages.ts'

// As when two versions are installed, or one as ES module and one as CommonJS.
async function otherCopy(): Promise<typeof import('../src/index.ts')> {
  vi.resetModules()
  return import('../src/index.ts')
}

it('knows an error that another copy of the package has thrown', async () => {
  const other = await otherCopy()
  expect(other.WebhookVerificationError).not.toBe(WebhookVerificationError)
  const refused = await other
    .createReceiver({ secrets: secret })
    .verify('{}', {})
    .catch((error: unknown) => error)
  expect(refused instanceof WebhookVerificationError).toBe(false)
  expect(WebhookVerificationError.is(refused)).toBe(true)
  expect(ReceiverError.is(refused)).toBe(false)

  const fault = new other.ReceiverError('secrets_unavailable', 'vault is down')
  expect(ReceiverError.is(fault)).toBe(true)
  expect(WebhookVerificationError.is(fault)).toBe(false)
  for (const value of [null, undefined, 'text', new Error('x'), { name: 'WebhookVerificationError' }]) {
    expect(WebhookVerificationError.is(value)).toBe(false)
  }
})

it('answers as it should what an adapter of another copy throws', async () => {
  const other = await otherCopy()
  const receiver = createReceiver({ secrets: secret })
  const body = () => Promise.reject(new other.WebhookVerificationError('body_too_large', 'too long'))
  expect((await receiver.receive({ headers: {}, body })).status).toBe(413)
})
