// npm run docs              builds the site into site/.vitepress/dist: pages, API reference, search, llms.txt
// npm run docs -- --no-api  leaves the API reference out
// npm run docs -- --open    serves it while it is written
import { copyFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import process from 'node:process'
import { forwardSignals, runChild } from './setup/child-process.mjs'
import { root } from './setup/paths.mjs'
import { contentsOf } from './site-contents.ts'
import { assetsOf, type SitePage, sitePages } from './site-pages.ts'
import { publishedPackages } from './workspace.ts'

const site = join(root, 'site')
const folder = join(site, 'pages')
const bin = (name: string, file: string) => join(site, 'node_modules', name, file)

function write(path: string, text: string): void {
  const file = join(folder, path)
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, text)
}

/** https://llmstxt.org */
function llms(pages: readonly SitePage[]): { short: string; full: string } {
  const bySource = new Map(pages.map((page) => [page.source, page]))
  const contents = contentsOf(pages)
  const lines = contents.flatMap(({ text, items }) => [
    `## ${text}`,
    '',
    ...items.map(({ text: title, link, source }) => {
      const summary = bySource.get(source)?.summary
      return `- [${title}](${link})${summary ? `: ${summary}` : ''}`
    }),
    '',
  ])
  const head =
    '# x-events\n\n> Entity events and signed webhooks for Node.js hosts, from inside the host.\n\n'
  const ordered = contents.flatMap(({ items }) =>
    items.map(({ source }) => bySource.get(source)?.markdown ?? ''),
  )
  return { short: head + lines.join('\n'), full: ordered.join('\n\n') }
}

async function run(file: string, args: readonly string[], stdio: 'pipe' | 'inherit' = 'pipe'): Promise<void> {
  const { code, output } = await runChild(process.execPath, [file, ...args], {
    cwd: site,
    stdio: stdio === 'inherit' ? 'inherit' : ['ignore', 'pipe', 'pipe'],
  })
  if (code === 0) return
  console.error(output)
  process.exit(1)
}

/** From the TSDoc of what packages export, and nothing else. */
async function writeApi(): Promise<void> {
  const packages = publishedPackages()
  const options = {
    entryPoints: packages.map(({ folder: path }) => join(path, 'src', 'index.ts')),
    tsconfig: join(site, 'tsconfig.api.json'),
    plugin: ['typedoc-plugin-markdown'],
    out: join(folder, 'api'),
    readme: 'none',
    entryFileName: 'index',
    skipErrorChecking: true,
    excludeInternal: true,
    excludeExternals: true,
    disableSources: true,
    githubPages: false,
    hideBreadcrumbs: true,
    name: 'API reference',
    logLevel: 'Error',
    validation: false,
  }
  writeFileSync(join(folder, 'typedoc.json'), JSON.stringify(options))
  await run(bin('typedoc', 'bin/typedoc'), ['--options', join(folder, 'typedoc.json')])
}

forwardSignals()
rmSync(folder, { recursive: true, force: true })
const pages = sitePages()
for (const { target, markdown } of pages) write(target, markdown)
for (const { from, to } of assetsOf(pages)) {
  const file = join(folder, ...to)
  mkdirSync(dirname(file), { recursive: true })
  copyFileSync(from, file)
}
const { short, full } = llms(pages)
write('public/llms.txt', short)
write('public/llms-full.txt', full)
write('contents.json', JSON.stringify(contentsOf(pages)))
if (process.argv.includes('--no-api')) write('api/index.md', '# API reference\n\nLeft out of this build.\n')
else await writeApi()
const isOpen = process.argv.includes('--open')
await run(bin('vitepress', 'bin/vitepress.js'), isOpen ? ['dev', '.'] : ['build', '.'], 'inherit')
