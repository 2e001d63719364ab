import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, inject, it } from 'vitest'
import { run } from '../../scripts/pack.ts'
import { entryPoints } from './entry-points.ts'

const consumer = inject('consumer')

async function namesOf(file: string, code: string): Promise<string[]> {
  await writeFile(join(consumer, file), code)
  return JSON.parse(await run(process.execPath, [file], consumer))
}

describe.each(entryPoints())('$specifier', ({ specifier, hasCommonJs }) => {
  const file = specifier.replaceAll('/', '+')

  it('is imported by an ES module', async () => {
    const names = await namesOf(
      `${file}.mjs`,
      `import * as it from '${specifier}'\nconsole.log(JSON.stringify(Object.keys(it)))`,
    )
    expect(names).not.toEqual([])
  })

  it(`is required by a CommonJS module${hasCommonJs ? ', with the same names' : ''}`, async () => {
    const required = await namesOf(
      `${file}.cjs`,
      `console.log(JSON.stringify(Object.keys(require('${specifier}'))))`,
    )
    const imported = await namesOf(
      `${file}-dynamic.cjs`,
      `import('${specifier}').then((it) => console.log(JSON.stringify(Object.keys(it))))`,
    )
    expect(required.toSorted()).toEqual(imported.toSorted())
  })

  if (!hasCommonJs) return
  it('is required where require() of an ES module is not possible', async () => {
    const script = `require('${specifier}')`
    await run(process.execPath, ['--no-experimental-require-module', '--eval', script], consumer)
  })
})
