// Looks whether each relative link of the documentation leads to a file, and to a heading where it names one.
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import process from 'node:process'
import { documentationPages } from './doc-examples.ts'
import { anchorsOf, linksOf } from './page-links.ts'
import { root } from './setup/paths.mjs'

const texts = new Map<string, string>()
function textOf(file: string): string {
  const text = texts.get(file) ?? readFileSync(file, 'utf8')
  texts.set(file, text)
  return text
}

const problems: string[] = []
for (const page of documentationPages()) {
  for (const { line, target } of linksOf(textOf(page))) {
    const [path = '', anchor] = target.split('#')
    const file = path === '' ? page : join(dirname(page), decodeURIComponent(path))
    const place = `${relative(root, page)}:${line}`
    if (!existsSync(file)) problems.push(`${place}: there is no ${target}`)
    else if (anchor && file.endsWith('.md') && !anchorsOf(textOf(file)).has(anchor))
      problems.push(`${place}: ${path || 'this page'} has no heading #${anchor}`)
  }
}
if (problems.length > 0) {
  console.error(problems.join('\n'))
  process.exitCode = 1
}
