// Reads the fenced code blocks of Markdown pages and of TSDoc comments.
import { readFileSync } from 'node:fs'
import { relative } from 'node:path'
import { root } from './setup/paths.mjs'

/** One fenced block, with what invisible comments beside it add. */
export interface CodeBlock {
  /** Page relative to the root. */
  readonly file: string
  /** Line of the page on which the code begins, counted from 1. */
  readonly line: number
  readonly language: string
  /** The words after the language: `continue`, `no-run`. */
  readonly words: readonly string[]
  readonly code: string
  /** Code of a `<!-- before` comment directly above: what the block needs and a reader need not see. */
  readonly before: string
  /** Code of an `<!-- after` comment directly below: looks at what the block did, and ends it. */
  readonly after: string
}

const FENCE = /^(\s*)(`{3,})\s*(\S*)\s*(.*)$/

/** The blocks of a Markdown page. */
export function blocksOfPage(path: string, text = readFileSync(path, 'utf8')): CodeBlock[] {
  return blocksOf(relative(root, path), text.split('\n'))
}

/** The blocks within the `/** … *\/` comments of a source file. */
export function blocksOfComments(path: string, text = readFileSync(path, 'utf8')): CodeBlock[] {
  let isComment = false
  const lines = text.split('\n').map((line) => {
    const opens: boolean = isComment || /^\s*\/\*\*/.test(line)
    isComment = opens && !line.includes('*/')
    return opens && isComment ? line.replace(/^\s*(\/\*\*|\*) ?/, '') : ''
  })
  return blocksOf(relative(root, path), lines)
}

function blocksOf(file: string, lines: readonly string[]): CodeBlock[] {
  const blocks: CodeBlock[] = []
  for (let index = 0; index < lines.length; index++) {
    const [, indent = '', fence, language = '', words = ''] = FENCE.exec(lines[index] ?? '') ?? []
    if (fence === undefined) continue
    const end = lines.findIndex((line, at) => at > index && line.trim() === fence)
    if (end < 0) throw new Error(`${file}:${index + 1}: this code block does not end`)
    blocks.push({
      file,
      line: index + 2,
      language,
      words: words.split(/\s+/).filter(Boolean),
      code: textOf(lines.slice(index + 1, end).map((line) => line.slice(indent.length))),
      before: commentAbove(lines, index),
      after: commentBelow(lines, end),
    })
    index = end
  }
  return blocks
}

function commentAbove(lines: readonly string[], fence: number): string {
  let end = fence - 1
  while (lines[end]?.trim() === '') end--
  if (lines[end]?.trim() !== '-->') return ''
  const start = lines.slice(0, end).findLastIndex((line) => line.startsWith('<!--'))
  return lines[start]?.trim() === '<!-- before' ? textOf(lines.slice(start + 1, end)) : ''
}

function commentBelow(lines: readonly string[], fence: number): string {
  let start = fence + 1
  while (lines[start]?.trim() === '') start++
  if (lines[start]?.trim() !== '<!-- after') return ''
  const end = lines.findIndex((line, at) => at > start && line.trim() === '-->')
  return textOf(lines.slice(start + 1, end))
}

function textOf(lines: readonly string[]): string {
  return lines.map((line) => `${line}\n`).join('')
}
