// Refuses text that the portal's pages do not take from their catalog, so that every one of them is in every language.
import { readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import ts from 'typescript'
import { root } from './setup/paths.mjs'
import { filesBelow } from './setup/stamp.mjs'

const FOLDER = join(root, 'packages', 'portal', 'src', 'ui')
/** Attributes whose values people read or hear. */
const READ_ALOUD = new Set(['title', 'label', 'aria-label', 'alt', 'hint', 'action', 'about', 'what'])
/** A word: what is a name, a unit or code in every language is none. */
const WORD = /\p{L}{2}/u
const SAME_EVERYWHERE = /^(?:HTTP|p50|p95|p99|Standard Webhooks)$/

let count = 0
for (const path of filesBelow(FOLDER)) {
  if (!path.endsWith('.tsx')) continue
  const file = ts.createSourceFile(path, readFileSync(path, 'utf8'), ts.ScriptTarget.Latest, true)
  visit(file, file)
}
if (count > 0) process.exitCode = 1

function visit(node: ts.Node, file: ts.SourceFile): void {
  const text = literalOf(node)?.trim()
  if (text !== undefined && WORD.test(text) && !SAME_EVERYWHERE.test(text)) {
    const { line } = file.getLineAndCharacterOfPosition(node.getStart(file))
    console.error(
      `${relative(root, file.fileName)}:${line + 1}: ${JSON.stringify(text)} belongs in src/ui/texts, in every language`,
    )
    count += 1
  }
  ts.forEachChild(node, (child) => visit(child, file))
}

/** The text that a node puts on the page as it stands in the code. */
function literalOf(node: ts.Node): string | undefined {
  if (ts.isJsxText(node)) return node.text
  if (!ts.isStringLiteralLike(node)) return undefined
  if (ts.isJsxAttribute(node.parent)) {
    return READ_ALOUD.has(node.parent.name.getText()) ? node.text : undefined
  }
  return ts.isJsxExpression(node.parent) && !ts.isJsxAttribute(node.parent.parent) ? node.text : undefined
}
