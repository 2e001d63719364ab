// Builds the packages whose sources, or whose dependencies' sources, changed since their last build.
import { existsSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { delimiter, join } from 'node:path'
import { forwardSignals, runChild } from './setup/child-process.mjs'
import { withLock } from './setup/lock.mjs'
import { root, stateFolder } from './setup/paths.mjs'
import { filesBelow, hashOf, readStamp, removeStamp, writeStamp } from './setup/stamp.mjs'
import { exportedFiles, type Package, publishedPackages, runtimeDependencies } from './workspace.ts'

interface Task {
  readonly pkg: Package
  readonly hash: string
  readonly stamp: string
}

const shared = ['tsconfig.base.json', 'pnpm-lock.yaml'].map((name) => join(root, name))

/** Brings `dist` of every package up to date; throws with the output of the build that failed. */
export async function buildPackages(): Promise<void> {
  await withLock(async () => {
    const packages = publishedPackages()
    const hashes = new Map<string, string>()
    for (const pkg of packages) hashPackage(pkg, packages, hashes)
    const tasks = packages
      .map((pkg) => ({
        pkg,
        hash: hashes.get(pkg.name) ?? '',
        stamp: join(stateFolder, 'built', pkg.name.replace('/', '+')),
      }))
      .filter((task) => !isUpToDate(task))
    if (tasks.length === 0) return

    const startedAt = Date.now()
    process.stderr.write(`Building ${tasks.map(({ pkg }) => pkg.name).join(', ')} ... `)
    try {
      await runInOrder(tasks)
    } catch (error) {
      process.stderr.write('failed\n')
      throw error
    }
    process.stderr.write(`${((Date.now() - startedAt) / 1000).toFixed(1)} s\n`)
  })
}

// The hashes of the dependencies are part of a package's own, since its bundled types are made from theirs.
function hashPackage(pkg: Package, packages: Package[], hashes: Map<string, string>): string {
  const known = hashes.get(pkg.name)
  if (known !== undefined) return known
  const sources = filesBelow(pkg.folder).filter((file) => !file.startsWith(join(pkg.folder, 'test')))
  const below = dependenciesOf(pkg, packages).map((dependency) => hashPackage(dependency, packages, hashes))
  const hash = hashOf([...sources, ...shared], ...below)
  hashes.set(pkg.name, hash)
  return hash
}

function dependenciesOf(pkg: Package, packages: readonly Package[]): Package[] {
  const names = runtimeDependencies(pkg)
  return packages.filter(({ name }) => names.includes(name))
}

function isUpToDate({ pkg, hash, stamp }: Task): boolean {
  return (
    readStamp(stamp) === hash &&
    exportedFiles(pkg.manifest.exports).every((file) => existsSync(join(pkg.folder, file)))
  )
}

async function runInOrder(tasks: readonly Task[]): Promise<void> {
  const waiting = new Set(tasks)
  const running = new Map<Task, Promise<void>>()
  while (waiting.size > 0 || running.size > 0) {
    const unfinished = [...waiting, ...running.keys()].map(({ pkg }) => pkg)
    for (const task of waiting) {
      if (running.size >= availableParallelism()) break
      if (dependenciesOf(task.pkg, unfinished).length > 0) continue
      waiting.delete(task)
      running.set(
        task,
        build(task).finally(() => running.delete(task)),
      )
    }
    if (running.size === 0) throw new Error('The packages depend on each other in a circle.')
    await Promise.race(running.values())
  }
}

async function build({ pkg, hash, stamp }: Task): Promise<void> {
  removeStamp(stamp)
  const command = pkg.manifest.scripts?.['build']
  if (command === undefined) throw new Error(`${pkg.path}/package.json has no script "build".`)
  const bins = [pkg.folder, root].map((folder) => join(folder, 'node_modules', '.bin'))
  const env = { ...process.env, PATH: [...bins, process.env['PATH']].join(delimiter) }
  const { code, output } = await runChild(command, [], { cwd: pkg.folder, shell: true, env })
  if (code !== 0) throw new Error(`The build of ${pkg.name} failed:\n${output}`)
  writeStamp(stamp, hash)
}

if (import.meta.main) {
  forwardSignals()
  try {
    await buildPackages()
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : error}\n`)
    process.exitCode = 1
  }
}
