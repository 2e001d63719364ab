import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, inject, it } from 'vitest'
import { linksOf } from '../../scripts/page-links.ts'
import { publishedPackages } from '../../scripts/workspace.ts'

const consumer = inject('consumer')

describe.each(publishedPackages())('$name', (pkg) => {
  const manifest = JSON.parse(readFileSync(join(consumer, 'node_modules', pkg.name, 'package.json'), 'utf8'))

  it('asks for ranges, not for places in this workspace', () => {
    const { dependencies = {}, peerDependencies = {} } = manifest
    for (const range of Object.values({ ...dependencies, ...peerDependencies })) {
      expect(range).toMatch(/^[\^~>=<]|\|\|/)
    }
  })

  it('says what it is, whose it is, and what it runs on', () => {
    expect(manifest.description).toMatch(/^[A-Z].{30,110}$/)
    expect(manifest.keywords.length).toBeGreaterThan(2)
    expect(manifest).toMatchObject({
      license: 'MIT',
      author: expect.any(String),
      engines: { node: expect.any(String) },
    })
  })

  it('has a README that leads to no file which npm has not', () => {
    const readme = readFileSync(join(consumer, 'node_modules', pkg.name, 'README.md'), 'utf8')
    expect(linksOf(readme).filter(({ target }) => !target.startsWith('#'))).toEqual([])
  })

  it('leads nobody to its TypeScript sources, which are not in it', () => {
    expect(JSON.stringify(manifest.exports)).not.toContain('@x/source')
  })

  it('exports the same subpaths as in the workspace', () => {
    expect(Object.keys(manifest.exports)).toEqual(Object.keys(pkg.manifest.exports ?? {}))
  })
})
