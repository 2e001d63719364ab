import { expect, it } from 'vitest'
import * as signature from '../src/index-node.ts'

it('exports these names, and no others', () => {
  expect(Object.keys(signature).sort()).toEqual([
    'WebhookKeyError',
    'WebhookVerificationError',
    'chainNext',
    'chainStart',
    'createSigner',
    'createSyncSigner',
    'createSyncVerifier',
    'createVerifier',
    'digestOf',
    'formatKey',
    'generateKeyPair',
    'generateSecret',
    'hmacKey',
    'isMessageId',
    'parseSecret',
    'pastedMistake',
    'publicKeyOf',
    'readHeaders',
    'sequenceContent',
    'takeRawBody',
  ])
})
