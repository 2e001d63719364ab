// Type-checks every example of README files, docs and TSDoc, and reads every other block that can be checked.
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { blocksOfPage } from './code-blocks.ts'
import { problemsOfCommands } from './doc-commands.ts'
import {
  commentExamples,
  documentationPages,
  type Example,
  originOf,
  pageExamples,
  programLanguages,
  writeExamples,
} from './doc-examples.ts'
import { root } from './setup/paths.mjs'

const compilerOptions = {
  types: ['node'],
  lib: ['ES2024', 'ESNext.Disposable', 'DOM', 'DOM.Iterable'],
  jsx: 'react-jsx',
  // As in projects of NestJS, for decorators of parameters.
  experimentalDecorators: true,
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

// One name for each, so that no block escapes its check under another; `text` is for what is no code.
const otherLanguages = ['sh', 'console', 'json', 'sql', 'http', 'html', 'diff', 'yaml', 'mermaid', 'text']
// Run by e2e/docs/any-language-verifies.test.ts.
const foreignLanguages = ['python', 'go', 'ruby', 'php', 'java', 'csharp', 'rust', 'elixir', 'perl', 'bash']

function problemsOfTypes(): string[] {
  // JavaScript that is run cannot declare what its TypeScript readers would have to.
  const examples = pageExamples().filter(({ fileName, isRun }) => !(isRun && fileName.endsWith('.js')))
  const programs = Map.groupBy([...examples, ...commentExamples()], ({ program }) => program)
  return [...programs.values()].flatMap((examples, index) => problemsOfProgram(`checked-${index}`, examples))
}

function problemsOfProgram(name: string, examples: readonly Example[]): string[] {
  const folder = writeExamples(name, examples)
  const config = { extends: '../../../tsconfig.base.json', compilerOptions, include: ['.'] }
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config))
  // TypeScript finds a module to declare into only where another file of the program imports it.
  writeFileSync(join(folder, 'imports.ts'), "import type {} from '@x/events-core'\n")
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
  for (const { file, line, language, code } of documentationPages().flatMap((page) => blocksOfPage(page))) {
    if (language !== 'json') continue
    try {
      JSON.parse(code)
    } catch (error) {
      problems.push(`${file}:${line}: ${error instanceof Error ? error.message : error}`)
    }
  }
  return problems
}

function problemsOfLanguages(): string[] {
  const known = [...programLanguages, ...otherLanguages, ...foreignLanguages]
  return documentationPages()
    .flatMap((page) => blocksOfPage(page))
    .filter(({ language }) => !known.includes(language))
    .map(({ file, line, language }) => `${file}:${line}: write ${known.join(', ')}, not "${language}"`)
}

const problems = [
  ...problemsOfLanguages(),
  ...problemsOfTypes(),
  ...problemsOfJson(),
  ...problemsOfCommands(),
]
if (problems.length > 0) {
  console.error(problems.join('\n'))
  process.exitCode = 1
}
