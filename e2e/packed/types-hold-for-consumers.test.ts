import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, inject, it } from 'vitest'
import { run } from '../../scripts/pack.ts'
import { root } from '../../scripts/setup/paths.mjs'
import { entryPoints } from './entry-points.ts'

const consumer = inject('consumer')

const compilers = [
  { compiler: 'TypeScript 6', path: 'node_modules/typescript/bin/tsc' },
  { compiler: 'TypeScript 7', path: 'node_modules/typescript-native/bin/tsc' },
]

// Declarations are checked too (no skipLibCheck): a consumer may not have set it.
const strict = {
  strict: true,
  noEmit: true,
  target: 'es2024',
  types: ['node'],
  exactOptionalPropertyTypes: true,
}

const everything = entryPoints()
const projects = [
  {
    project: 'an ES module project',
    folder: 'types-esm',
    file: 'index.mts',
    options: { module: 'nodenext' },
    entries: everything,
    programs: ['sign-and-verify.ts', 'handle-a-request.ts', 'raise-an-event.ts'].map(
      (name) => `../programs/${name}`,
    ),
  },
  {
    project: 'a project on the oldest Kysely',
    folder: 'types-kysely28',
    file: 'index.mts',
    options: {
      module: 'nodenext',
      paths: { kysely: [join(root, 'e2e', 'node_modules', 'kysely28', 'dist', 'esm', 'index.d.ts')] },
    },
    entries: everything,
    programs: ['../programs/raise-an-event.ts'],
  },
  {
    project: 'a project that closes the set of actions',
    folder: 'types-closed',
    file: 'index.mts',
    options: { module: 'nodenext' },
    entries: [],
    programs: ['../programs/close-the-actions.ts'],
  },
  {
    project: 'a bundled project',
    folder: 'types-bundler',
    file: 'index.ts',
    options: { module: 'preserve', moduleResolution: 'bundler', lib: ['es2024', 'esnext.disposable', 'dom'] },
    entries: everything,
    programs: [],
  },
  {
    project: 'a CommonJS project that cannot require ES modules',
    folder: 'types-cjs',
    file: 'index.cts',
    options: { module: 'node16' },
    entries: everything.filter(({ hasCommonJs }) => hasCommonJs),
    programs: [],
  },
]

describe.each(compilers)('$compiler', ({ path }) => {
  it.each(projects)('accepts the types in $project', async ({ folder, file, options, entries, programs }) => {
    const code = entries.map(
      ({ specifier }, index) => `import * as it${index} from '${specifier}'\nvoid it${index}\n`,
    )
    const compilerOptions = { ...strict, ...options }
    await mkdir(join(consumer, folder), { recursive: true })
    await writeFile(join(consumer, folder, file), code.join(''))
    await writeFile(
      join(consumer, folder, 'tsconfig.json'),
      JSON.stringify({ compilerOptions, files: [file, ...programs] }),
    )
    expect(await run(process.execPath, [join(root, path), '-p', join(consumer, folder)], consumer)).toBe('')
  })
})
