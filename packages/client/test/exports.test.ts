import { expect, it } from 'vitest'
import * as client from '../src/index.ts'

it('exports what is documented, and nothing that is not built', () => {
  expect(Object.keys(client).sort()).toEqual([
    'SyncClientError',
    'createPropertyDictionary',
    'createSyncClient',
    'followSite',
    'observable',
  ])
})
