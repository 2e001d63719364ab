// The examples of the documentation as programs: what is type-checked, and what is run.
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { blocksOfComments, blocksOfPage, type CodeBlock } from './code-blocks.ts'
import { root } from './setup/paths.mjs'
import { filesBelow } from './setup/stamp.mjs'
import { publishedPackages, readPackages } from './workspace.ts'

/** A block together with the ones on its page that it continues: one module. */
export interface Example {
  /** Where it is written: `README.md:12`. */
  readonly title: string
  readonly blocks: readonly CodeBlock[]
  /** Whether it is run and not only type-checked. */
  readonly isRun: boolean
  /** What it is type-checked with, and nothing else: what it declares of all packages, others do not see. */
  readonly program: string
  /** Path within the folder of examples. */
  readonly fileName: string
  readonly code: string
  /** For each line of the code where it is written, `page:line`. */
  readonly origins: readonly string[]
}

/** Inside the workspace, so that `@x/…` and everything that e2e depends on can be imported. */
export const examplesFolder = join(root, 'e2e', '.examples')

/** The languages whose blocks are programs. */
export const programLanguages: readonly string[] = ['ts', 'tsx', 'js', 'cjs']

/** Every Markdown page whose examples are kept working. */
export function documentationPages(): string[] {
  const readmes = [...readPackages('packages'), ...readPackages('examples')].map((pkg) =>
    join(pkg.folder, 'README.md'),
  )
  const pages = ['README.md', 'CONTRIBUTING.md', 'SECURITY.md'].map((name) => join(root, name))
  const docs = filesBelow(join(root, 'docs')).filter((file) => file.endsWith('.md'))
  return [...pages, ...readmes, ...docs].filter((file) => existsSync(file))
}

/** The examples of README files and docs: every one compiles, and runs unless it says `no-run`. */
export function pageExamples(): Example[] {
  return documentationPages().flatMap((page) => examplesOf(blocksOfPage(page), true))
}

/** The examples in the TSDoc of published packages: every one compiles. */
export function commentExamples(): Example[] {
  return publishedPackages()
    .flatMap((pkg) => filesBelow(join(pkg.folder, 'src')).filter((file) => /\.tsx?$/.test(file)))
    .flatMap((file) => examplesOf(blocksOfComments(file), false))
}

/** Joins the blocks of one page to modules. */
export function examplesOf(blocks: readonly CodeBlock[], mayRun: boolean): Example[] {
  const chains: CodeBlock[][] = []
  for (const block of blocks) {
    if (!programLanguages.includes(block.language)) continue
    const previous = chains.at(-1)
    if (!block.words.includes('continue')) chains.push([block])
    else if (previous === undefined)
      throw new Error(`${block.file}:${block.line}: there is no block to continue`)
    else previous.push(block)
  }
  return chains.map((chain) => exampleOf(chain, mayRun))
}

function exampleOf(blocks: readonly CodeBlock[], mayRun: boolean): Example {
  const [first] = blocks
  const last = blocks.at(-1)
  if (first === undefined || last === undefined) throw new Error('An example has at least one block.')
  const lines: string[] = []
  const origins: string[] = []
  const add = (code: string, origin: (line: number) => string) => {
    const added = code.split('\n').slice(0, -1)
    lines.push(...added)
    origins.push(...added.map((_, index) => origin(index)))
  }
  for (const { file, line, before, code } of blocks) {
    add(before, () => `${file}:${line} (before)`)
    add(code, (index) => `${file}:${line + index}`)
  }
  add(last.after, () => `${last.file}:${last.line} (after)`)
  const title = `${first.file}:${first.line}`
  const name = nameOf(first)
  // Even an example without an import is a module of its own.
  const code = `${lines.join('\n')}\n${first.language === 'cjs' ? '' : 'export {}\n'}`
  return {
    title,
    blocks,
    isRun:
      mayRun &&
      name === undefined &&
      first.language !== 'tsx' &&
      !blocks.some(({ words }) => words.includes('no-run')),
    program: programOf(first.file, name, code, title),
    fileName: `${slug(first.file)}/${name ?? `${first.line}.${first.language}`}`,
    code,
    origins,
  }
}

/** What a block is called by the others of its page, which import it: `file=events.ts`. */
export function nameOf({ words }: CodeBlock): string | undefined {
  return words.find((word) => word.startsWith('file='))?.slice('file='.length)
}

const slug = (text: string) => text.replaceAll(/[^A-Za-z0-9]+/g, '-').toLowerCase()

// A reader has no declarations but those in front of them: files of one page are a program, and so is what declares.
function programOf(page: string, name: string | undefined, code: string, title: string): string {
  if (name !== undefined || /(?:from |import\()'\.\//.test(code)) return page
  return /^declare module '@x\//m.test(code) ? title : ''
}

/** Writes the examples into their folder, which holds nothing else afterwards. */
export function writeExamples(name: string, examples: readonly Example[]): string {
  const folder = join(examplesFolder, name)
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  for (const { fileName, code } of examples) {
    mkdirSync(dirname(join(folder, fileName)), { recursive: true })
    writeFileSync(join(folder, fileName), code)
  }
  return folder
}

/** Where a line of a written example comes from. */
export function originOf(examples: readonly Example[], path: string, line: number): string {
  const example = examples.find(({ fileName }) => path.endsWith(fileName))
  return example?.origins[line - 1] ?? `${relative(root, path)}:${line}`
}
