// Holds the packages to the arrows between them: who may import whom, and only by published names.
import { readFileSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { join, relative, sep } from 'node:path'
import ts from 'typescript'
import { root } from './setup/paths.mjs'
import { filesBelow } from './setup/stamp.mjs'
import { type Package, readPackage, readPackages, runtimeDependencies } from './workspace.ts'

// A new arrow is a decision about the design (docs/decisions), not a convenience.
const arrows: Readonly<Record<string, readonly string[]>> = {
  '@x/events-core': [],
  '@x/signature': ['@x/events-core'],
  '@x/receiver': ['@x/events-core', '@x/signature', 'kysely'],
  '@x/events-engine': ['@x/events-core', '@opentelemetry/api', 'kysely'],
  '@x/sender': [
    '@x/events-core',
    '@x/events-engine',
    '@x/signature',
    '@opentelemetry/api',
    'kysely',
    'undici',
    'ipaddr.js',
    'ajv',
  ],
  '@x/client': ['@x/events-core'],
  '@x/portal': ['@x/events-core', '@x/sender'],
}

// Code that runs anywhere: a browser has no node: modules.
const neutral: Readonly<Record<string, (file: string) => boolean>> = {
  '@x/events-core': () => true,
  '@x/client': () => true,
  '@x/signature': (file) => !file.endsWith('-node.ts'),
}

// Fake timers replace the globals alone: what is imported or kept goes by the machine's time.
const TIMER_MODULES = /^(?:node:)?(?:timers(?:\/promises)?|perf_hooks)$/
const KEPT_CLOCK =
  /\b(?:Date|performance)\.now\b(?!\()|=\s*(?:Date|performance)\s*[,;})\n]|[=:]\s*set(?:Timeout|Interval|Immediate)\s*[,;})\n]/

// Bundled into the package when it is built, so whoever installs it installs none of it.
const bundled = ['packages/portal/src/ui/']

const everyPackage = [...readPackages('packages'), ...readPackages('internal'), ...readPackages('examples')]
const byName = new Map(everyPackage.map((pkg) => [pkg.name, pkg]))
const rootDependencies = Object.keys(readPackage('.').manifest.devDependencies ?? {})
const problems: string[] = []

for (const pkg of everyPackage) {
  checkManifest(pkg)
  for (const file of filesBelow(pkg.folder)) {
    if (!/\.(ts|tsx|mts|cts|js|mjs)$/.test(file)) continue
    for (const specifier of importsOf(file)) checkImport(pkg, relative(root, file), specifier)
    if (file.startsWith(join(pkg.folder, 'src') + sep)) checkClock(relative(root, file))
  }
}

function importsOf(file: string): string[] {
  const found = ts.preProcessFile(readFileSync(file, 'utf8'), true, true)
  return found.importedFiles.map(({ fileName }) => fileName)
}

function checkClock(file: string): void {
  if (!file.startsWith(`packages${sep}`)) return
  for (const line of readFileSync(join(root, file), 'utf8').split('\n')) {
    if (/^\s*(?:\/\/|\/?\*)/.test(line) || !KEPT_CLOCK.test(`${line}\n`)) continue
    problems.push(`${file}: "${line.trim()}" keeps a clock: call it where the time is needed`)
  }
}

function checkManifest(pkg: Package): void {
  const allowed = arrows[pkg.name]
  if (pkg.path.startsWith('packages') && allowed === undefined) {
    problems.push(`${pkg.path}: say in scripts/check-boundaries.ts what ${pkg.name} may depend on`)
  }
  for (const name of runtimeDependencies(pkg)) {
    if (allowed?.includes(name) === false)
      problems.push(`${pkg.path}/package.json: may not depend on ${name}`)
  }
}

function checkImport(pkg: Package, file: string, specifier: string): void {
  // What a browser asks the server of its page for.
  if (specifier.startsWith('/')) return
  const report = (why: string) => problems.push(`${file}: '${specifier}' ${why}`)
  if (specifier.startsWith('.')) {
    const target = relative(pkg.folder, join(root, file, '..', specifier))
    if (target.startsWith(`..${sep}`)) report("leaves its package: import the other one's public name")
    return
  }
  const isShipped = !pkg.path.startsWith(`internal${sep}`) && file.startsWith(join(pkg.path, 'src') + sep)
  if (isBuiltin(specifier)) {
    if (isShipped && neutral[pkg.name]?.(file))
      report('is not there in a browser, where this file has to run')
    if (isShipped && pkg.path.startsWith('packages') && TIMER_MODULES.test(specifier))
      report('cannot be replaced by fake timers: use the global')
    return
  }
  const name = specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')
  const subpath = `.${specifier.slice(name.length)}`

  const other = byName.get(name)
  if (other !== undefined && !Object.hasOwn(other.manifest.exports ?? {}, subpath)) {
    report(`is not among the exports of ${name}`)
  }
  if (name === pkg.name) return
  const mayUseAnyDeclared = !isShipped || bundled.some((folder) => file.startsWith(folder))
  const declared = new Set(runtimeDependencies(pkg))
  // An optional peer is what one entry point is for; whoever uses that has it.
  for (const peer of Object.keys(pkg.manifest.peerDependencies ?? {})) {
    if (arrows[pkg.name]?.includes(peer)) declared.add(peer)
  }
  if (mayUseAnyDeclared) {
    for (const known of [...Object.keys(pkg.manifest.devDependencies ?? {}), ...rootDependencies]) {
      declared.add(known)
      // A package that is nothing but types is imported by the name of what they describe.
      if (known.startsWith('@types/')) declared.add(known.slice('@types/'.length))
    }
  }
  if (!declared.has(name)) report('is not declared in its package.json')
}

if (problems.length > 0) {
  console.error(problems.join('\n'))
  process.exitCode = 1
}
