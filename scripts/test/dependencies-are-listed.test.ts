import { readFileSync, realpathSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { root } from '../setup/paths.mjs'
import { publishedPackages } from '../workspace.ts'

interface Installed {
  readonly license: string
  readonly dependencies?: Readonly<Record<string, string>>
}

/** A package with what it depends on, as they lie beside it. */
function collect(modules: string, name: string, found: Map<string, string>): void {
  if (found.has(name)) return
  const folder = realpathSync(join(modules, name))
  const { license, dependencies = {} } = JSON.parse(
    readFileSync(join(folder, 'package.json'), 'utf8'),
  ) as Installed
  found.set(name, license)
  const beside = folder.slice(0, -name.length)
  for (const dependency of Object.keys(dependencies)) collect(beside, dependency, found)
}

it('lists all that is installed with the packages, with its licence', () => {
  const found = new Map<string, string>()
  for (const { folder, manifest } of publishedPackages()) {
    const names = Object.keys(manifest.dependencies ?? {}).filter((name) => !name.startsWith('@x/'))
    for (const name of names) collect(join(folder, 'node_modules'), name, found)
  }
  const page = readFileSync(join(root, 'docs/dependencies.md'), 'utf8')
  const listed = [...page.matchAll(/^\| `([^`]+)` +\|[^|]+\| (\S+) +\|/gm)].map(([, name, licence]) => [
    name,
    licence,
  ])
  expect(listed.toSorted()).toEqual([...found].toSorted())
})
