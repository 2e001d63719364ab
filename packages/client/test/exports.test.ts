import { expect, it } from 'vitest'
import * as client from '../src/index.ts'
import * as tabs from '../src/tabs.ts'

it('exports what is documented, and nothing that is not built', () => {
  expect(Object.keys(client).sort()).toEqual([
    'SyncClientError',
    'createPropertyDictionary',
    'createSyncClient',
    'followSite',
    'observable',
  ])
  expect(Object.keys(tabs)).toEqual(['shareTabs'])
})
