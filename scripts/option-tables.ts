// node scripts/option-tables.ts           looks whether the option tables of the docs say what the TSDoc says
// node scripts/option-tables.ts --write   writes them anew
//
// A table stands between two comments: <!-- options CreateEndpoint of sender: url, siteId --> and <!-- /options -->.
// Without names after a colon, it has every option.
import { readFileSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import process from 'node:process'
import ts from 'typescript'
import { documentationPages } from './doc-examples.ts'
import { root } from './setup/paths.mjs'
import { filesBelow } from './setup/stamp.mjs'

interface Option {
  readonly name: string
  readonly isRequired: boolean
  readonly byDefault: string
  readonly meaning: string
}

const TABLE = /<!-- options (\w+) of ([\w-]+)(?:: ([^>]*?))? -->\n([\s\S]*?)<!-- \/options -->/g

const oneLine = (text: string) => text.replaceAll(/\s+/g, ' ').trim()
const withoutLinks = (text: string) => text.replaceAll(/\{@link ([^}]+)\}/g, '`$1`')
const cell = (text: string) => withoutLinks(oneLine(text)).replaceAll('|', '\\|')

function commentOf(comment: ts.JSDoc['comment']): string {
  return ts.getTextOfJSDocComment(comment) ?? ''
}

/** A value, or a sentence about it. */
function defaultOf(text: string): string {
  const first = cell(text)
  return /^(?:-?[\d.]+|'[^']*'|\[.*\]|\{.*\}|true|false)$/.test(first) ? `\`${first}\`` : first
}

function optionOf(member: ts.TypeElement, source: ts.SourceFile): Option[] {
  if (!ts.isPropertySignature(member)) return []
  const [doc] = ts.getJSDocCommentsAndTags(member).filter(ts.isJSDoc)
  const byDefault = doc?.tags?.find(({ tagName }) => tagName.text === 'defaultValue')?.comment
  return [
    {
      name: member.name.getText(source),
      isRequired: member.questionToken === undefined,
      byDefault: byDefault === undefined ? '' : defaultOf(commentOf(byDefault)),
      meaning: cell(commentOf(doc?.comment)),
    },
  ]
}

const known = new Map<string, Map<string, readonly Option[]>>()

/** The options of each interface of a package. */
function interfacesOf(packageName: string): Map<string, readonly Option[]> {
  const found = known.get(packageName) ?? new Map<string, readonly Option[]>()
  if (known.has(packageName)) return found
  known.set(packageName, found)
  for (const file of filesBelow(join(root, 'packages', packageName, 'src'))) {
    if (!file.endsWith('.ts')) continue
    const source = ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.Latest, true)
    source.forEachChild((node) => {
      if (!ts.isInterfaceDeclaration(node)) return
      found.set(
        node.name.text,
        node.members.flatMap((member) => optionOf(member, source)),
      )
    })
  }
  return found
}

function tableOf(options: readonly Option[]): string {
  const rows = options.map(({ name, isRequired, byDefault, meaning }) => [
    `\`${name}\``,
    isRequired ? 'required' : byDefault,
    meaning,
  ])
  const all = [['option', 'default', 'meaning'], ...rows]
  const widths = [0, 1, 2].map((column) => Math.max(...all.map((row) => row[column]?.length ?? 0)))
  const line = (cells: readonly string[], pad = ' ') =>
    `| ${cells.map((text, column) => text.padEnd(widths[column] ?? 0, pad)).join(' | ')} |`
  const [head = [], ...body] = all
  return [line(head), line(['', '', ''], '-'), ...body.map((row) => line(row))].join('\n')
}

/** Rewrites the tables of a page. */
export function withOptionTables(text: string, page: string): string {
  return text.replaceAll(TABLE, (_, name: string, packageName: string, list: string | undefined) => {
    const options = interfacesOf(packageName).get(name)
    if (options === undefined) throw new Error(`${page}: @x/${packageName} has no interface ${name}`)
    const names = list?.split(/,\s*/).map((one) => one.trim())
    const chosen = names?.map((one) => {
      const option = options.find((other) => other.name === one)
      if (option === undefined) throw new Error(`${page}: ${name} has no option ${one}`)
      return option
    })
    const comment = `<!-- options ${name} of ${packageName}${list === undefined ? '' : `: ${list}`} -->`
    return `${comment}\n\n${tableOf(chosen ?? options)}\n\n<!-- /options -->`
  })
}

// The formatter aligns columns in its own way.
const unaligned = (text: string) => text.replaceAll(/ +\|/g, ' |').replaceAll(/-{2,}/g, '-')

if (import.meta.main) {
  const writes = process.argv.includes('--write')
  for (const page of documentationPages()) {
    const text = readFileSync(page, 'utf8')
    const current = withOptionTables(text, relative(root, page))
    if (unaligned(text) === unaligned(current)) continue
    if (writes) writeFileSync(page, current)
    else {
      console.error(
        `${relative(root, page)}: its option tables differ from the TSDoc: node scripts/option-tables.ts --write`,
      )
      process.exitCode = 1
    }
  }
}
