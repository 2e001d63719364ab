import { type Package, publishedPackages } from '../../scripts/workspace.ts'

/** One name that a consumer can import. */
export interface EntryPoint {
  readonly specifier: string
  readonly pkg: Package
  /** Whether the package brings a CommonJS build of it. */
  readonly hasCommonJs: boolean
}

/** Every public name of every package that leads to code. */
export function entryPoints(): EntryPoint[] {
  return publishedPackages().flatMap((pkg) =>
    Object.entries(pkg.manifest.exports ?? {})
      .filter(([subpath]) => subpath !== './package.json' && !subpath.includes('*'))
      .map(([subpath, target]) => ({
        specifier: pkg.name + subpath.slice(1),
        pkg,
        hasCommonJs: JSON.stringify(target).includes('.cjs'),
      })),
  )
}
