// Run by npm's `prepack` and `postpack` in a package's folder: while it is packed, its README has links that npm can
// follow. Without a repository in package.json they become text.
import { copyFileSync, existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join, posix, relative, sep } from 'node:path'
import process from 'node:process'
import { readmeForNpm } from './readme-links.ts'
import { root } from './setup/paths.mjs'

const folder = process.cwd()
const readme = join(folder, 'README.md')
// Beside it, where git does not look.
const original = join(folder, 'node_modules', '.README.md')

if (process.argv[2] === 'restore') {
  renameSync(original, readme)
} else {
  const { repository } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
  const path = posix.join(...relative(root, folder).split(sep))
  const packed = (text: string) => readmeForNpm(text, path, repository?.url)
  // Left behind by a run that was killed.
  if (existsSync(original) && packed(readFileSync(original, 'utf8')) === readFileSync(readme, 'utf8')) {
    renameSync(original, readme)
  }
  copyFileSync(readme, original)
  writeFileSync(readme, packed(readFileSync(readme, 'utf8')))
}
