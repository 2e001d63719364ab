import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './setup/paths.mjs'

/** The parts of a package.json that scripts read. */
export interface Manifest {
  readonly name: string
  readonly version: string
  readonly private?: boolean
  readonly exports?: Readonly<Record<string, unknown>>
  readonly scripts?: Readonly<Record<string, string>>
  readonly dependencies?: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
  readonly peerDependenciesMeta?: Readonly<Record<string, { readonly optional?: boolean }>>
  readonly devDependencies?: Readonly<Record<string, string>>
}

/** A folder of the workspace that has a package.json. */
export interface Package {
  /** Folder relative to the root: `packages/signature`. */
  readonly path: string
  readonly folder: string
  readonly name: string
  readonly manifest: Manifest
}

/** Reads one package of the workspace. */
export function readPackage(path: string): Package {
  const folder = join(root, path)
  const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest
  return { path, folder, name: manifest.name, manifest }
}

/** The packages below a folder such as `packages` or `examples`, by name. */
export function readPackages(group: string): Package[] {
  return readdirSync(join(root, group))
    .map((name) => join(group, name))
    .filter((path) => existsSync(join(root, path, 'package.json')))
    .map(readPackage)
}

/** The packages that get published: a folder without sources yet is not one. */
export function publishedPackages(): Package[] {
  return readPackages('packages').filter((pkg) => existsSync(join(pkg.folder, 'src', 'index.ts')))
}

/** Names that a package needs at run time. What it fits without needing it (an optional peer) is not one. */
export function runtimeDependencies({ manifest }: Package): string[] {
  const { dependencies, peerDependencies, peerDependenciesMeta } = manifest
  const peers = Object.keys(peerDependencies ?? {})
  return [
    ...Object.keys(dependencies ?? {}),
    ...peers.filter((name) => !peerDependenciesMeta?.[name]?.optional),
  ]
}

/** Every file that a package's `exports` lead to outside the source condition, relative to its folder. */
export function exportedFiles(entry: unknown): string[] {
  if (typeof entry === 'string') return entry.includes('*') ? [] : [entry]
  if (typeof entry !== 'object' || entry === null) return []
  return Object.entries(entry).flatMap(([name, value]) => (name === '@x/source' ? [] : exportedFiles(value)))
}
