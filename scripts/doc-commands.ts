// Looks at the shell commands in the documentation: every script, package and file that they name exists.
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { blocksOfPage, type CodeBlock } from './code-blocks.ts'
import { documentationPages } from './doc-examples.ts'
import { root } from './setup/paths.mjs'
import { readPackage, readPackages } from './workspace.ts'

const { manifest } = readPackage('.')
const published = readPackages('packages').map(({ name }) => name)

/** Commands of npm itself. */
const npmCommands: readonly string[] = ['init', 'pack']

/** What is wrong with the commands of all pages. */
export function problemsOfCommands(): string[] {
  return documentationPages()
    .flatMap((page) => blocksOfPage(page))
    .filter(({ language }) => language === 'sh' || language === 'console')
    .flatMap((block) =>
      commandsOf(block).flatMap(([line, command]) => {
        const problem = problemOf(command, dirname(join(root, block.file)))
        return problem === undefined ? [] : [`${block.file}:${line}: ${problem}`]
      }),
    )
}

/** In a `console` block the commands are what follows a `$`; in `sh`, every line. */
function commandsOf({ language, line, code }: CodeBlock): [line: number, command: string][] {
  const commands: [number, string][] = []
  let isContinued = false
  for (const [index, text] of code.split('\n').entries()) {
    const command = language === 'console' ? /^\$ (.*)/.exec(text)?.[1] : text
    if (!isContinued && command?.trim() && !command.trim().startsWith('#'))
      commands.push([line + index, command.trim()])
    isContinued = text.endsWith('\\')
  }
  return commands
}

function problemOf(command: string, folder: string): string | undefined {
  const words = command.replace(/^([A-Z_]+=\S* +)+/, '').split(/\s+/)
  const [program, verb, ...rest] = words
  if (program === 'npm' || program === 'pnpm') {
    if (verb === 'install' || verb === 'i' || verb === 'add') {
      const unknown = rest.find((name) => name.startsWith('@x/') && !published.includes(name))
      return unknown && `there is no package ${unknown}`
    }
    if (verb !== undefined && npmCommands.includes(verb)) return undefined
    const script = verb === 'run' ? rest[0] : verb
    if (script !== undefined && manifest.scripts?.[script] === undefined)
      return `there is no script "${script}"`
  }
  if (program === 'node') {
    const file = words.slice(1).find((word) => !word.startsWith('-'))
    if (file?.includes('/') && !existsSync(join(root, file)) && !existsSync(join(folder, file))) {
      return `there is no file ${file}`
    }
  }
  return undefined
}
