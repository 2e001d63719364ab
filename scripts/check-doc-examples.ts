// Type-checks every example of README files, docs and TSDoc, and reads every other block that can be checked.
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { blocksOfPage } from './code-blocks.ts'
import { problemsOfCommands } from './doc-commands.ts'
import { commentExamples, documentationPages, originOf, pageExamples, writeExamples } from './doc-examples.ts'
import { root } from './setup/paths.mjs'

const compilerOptions = {
  types: ['node'],
  lib: ['ES2023', 'ESNext.Disposable', 'DOM', 'DOM.Iterable'],
  jsx: 'react-jsx',
  allowJs: true,
  checkJs: true,
  moduleDetection: 'force',
  composite: false,
  declaration: false,
  emitDeclarationOnly: false,
  noEmit: true,
  // Everybody writes process.env.NAME.
  noPropertyAccessFromIndexSignature: false,
}

function problemsOfTypes(): string[] {
  const examples = [...pageExamples(), ...commentExamples()]
  const folder = writeExamples('checked', examples)
  const config = { extends: '../../../tsconfig.base.json', compilerOptions, include: ['.'] }
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config))
  if (examples.length === 0) return []
  const tsc = join(root, 'node_modules/typescript-native/bin/tsc')
  const { stdout, status } = spawnSync(process.execPath, [tsc, '-p', folder, '--pretty', 'false'], {
    cwd: root,
    encoding: 'utf8',
  })
  if (status === 0) return []
  return (
    stdout
      .trim()
      .split(/\n(?=\S)/)
      // What is wrong in the packages themselves is for the check of their types to say.
      .filter((problem) => !problem.startsWith('packages/'))
      .map((problem) =>
        problem.replace(/^(\S+)\((\d+),\d+\)/, (_, path: string, at: string) =>
          originOf(examples, path, Number(at)),
        ),
      )
  )
}

function problemsOfJson(): string[] {
  const problems: string[] = []
  for (const { file, line, language, code } of documentationPages().flatMap(blocksOfPage)) {
    if (language !== 'json') continue
    try {
      JSON.parse(code)
    } catch (error) {
      problems.push(`${file}:${line}: ${error instanceof Error ? error.message : error}`)
    }
  }
  return problems
}

const problems = [...problemsOfTypes(), ...problemsOfJson(), ...problemsOfCommands()]
if (problems.length > 0) {
  console.error(problems.join('\n'))
  process.exitCode = 1
}
