import { expect, it } from 'vitest'
import * as express from '../src/express.ts'
import * as receiver from '../src/index.ts'
import * as testing from '../src/testing.ts'

it('exports these names, and no others', () => {
  expect(Object.keys(receiver).sort()).toEqual([
    'ReceiverError',
    'Webhook',
    'WebhookKeyError',
    'WebhookVerificationError',
    'createReceiver',
    'generateSecret',
    'memoryReplayStore',
  ])
  expect(Object.keys(express)).toEqual(['webhook'])
  expect(Object.keys(testing).sort()).toEqual(['signedHeaders', 'signedRequest'])
})
