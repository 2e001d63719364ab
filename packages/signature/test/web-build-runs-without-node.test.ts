import { fileURLToPath } from 'node:url'
import { createContext, runInContext } from 'node:vm'
import { build, type Rolldown } from 'vite'
import { expect, it } from 'vitest'
import * as web from '../src/index.ts'
import * as node from '../src/index-node.ts'
import { clockAt } from './builds.ts'

/** Bundles for a runtime of which nothing is known but the language and the Web's own objects. */
async function bundle(): Promise<string> {
  const entry = fileURLToPath(new URL('../src/index.ts', import.meta.url))
  const outputs = (await build({
    configFile: false,
    logLevel: 'silent',
    resolve: { conditions: ['@x/source'] },
    build: { write: false, minify: false, lib: { entry, formats: ['iife'], name: 'signature' } },
  })) as Rolldown.RolldownOutput[]
  return outputs.flatMap(({ output }) => output.map((file) => ('code' in file ? file.code : ''))).join('\n')
}

it('signs and verifies where there is nothing but the language and the Web', async () => {
  const secret = node.generateSecret()
  const { privateKey, publicKey } = node.generateKeyPair()
  const context = createContext({ crypto, TextEncoder, btoa, atob, setTimeout, clearTimeout })
  runInContext(await bundle(), context)
  const { createSigner, createVerifier } = runInContext('signature', context) as typeof web

  const message = { id: 'a', timestamp: 1_790_000_000, body: '{}' }
  const signature = await createSigner([secret, privateKey]).sign(message)
  expect(signature).toBe(node.createSigner([secret, privateKey]).sign(message))
  const headers = { 'webhook-id': 'a', 'webhook-timestamp': '1790000000', 'webhook-signature': signature }
  const verifier = createVerifier({ secrets: [publicKey, secret], clock: clockAt(message.timestamp) })
  expect(await verifier.verify('{}', headers)).toMatchObject({ id: 'a', keyIndex: 0 })
})

it('leaves no import of a module of Node', async () => {
  const code = await bundle()
  expect(code).toContain('createVerifier')
  expect(code).not.toMatch(/["']node:|\brequire\(|__vite-browser-external/)
})

it('exports the same names as the build for Node', () => {
  expect(Object.keys(web).sort()).toEqual(Object.keys(node).sort())
})
