// Refuses words that docs/glossary.md has retired, so that one word keeps one meaning.
import { readFileSync } from 'node:fs'
import { join, relative, sep } from 'node:path'
import { findRetiredWords } from './retired-words.ts'
import { root } from './setup/paths.mjs'
import { filesBelow } from './setup/stamp.mjs'

const GLOSSARY = 'docs/glossary.md'
const FOLDERS = ['packages', 'internal', 'docs', 'examples']
const TEXT = /\.(?:ts|tsx|mjs|js|md|css|html)$/

const files = [join(root, 'README.md'), ...FOLDERS.flatMap((folder) => filesBelow(join(root, folder)))]
let count = 0
for (const path of files) {
  const file = relative(root, path).split(sep).join('/')
  if (!TEXT.test(file) || file === GLOSSARY) continue
  for (const { line, found, use } of findRetiredWords(file, readFileSync(path, 'utf8'))) {
    console.error(`${file}:${line}: "${found}" is retired; say ${use} (${GLOSSARY})`)
    count += 1
  }
}
if (count > 0) process.exitCode = 1
