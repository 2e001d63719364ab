import { existsSync } from 'node:fs'
import { cp, mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { buildPackages } from '../../scripts/build.ts'
import { pack, run } from '../../scripts/pack.ts'
import { root } from '../../scripts/setup/paths.mjs'
import { type Package, publishedPackages, runtimeDependencies } from '../../scripts/workspace.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** Folder outside the workspace where the packed packages are installed. */
    consumer: string
  }
}

// What the programs of the tests import besides the packages.
const usedByPrograms = [
  '@hono/node-server',
  '@nestjs/common',
  '@nestjs/core',
  '@nestjs/platform-express',
  '@types/better-sqlite3',
  '@types/express',
  '@types/node',
  'better-sqlite3',
  'express',
  'drizzle-orm',
  'fastify',
  'hono',
  'knex',
  'pg',
  'reflect-metadata',
  'rxjs',
]
const usedByPrismaClient = ['@prisma/adapter-pg', '@prisma/client']

/** Packs every package and installs the tarballs with npm, as a project of a stranger would. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  await buildPackages()
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'x-events-consumer-')))
  const packages = publishedPackages()
  const tarballs = await Promise.all(packages.map((pkg) => pack(pkg, folder)))
  await writeFile(join(folder, 'package.json'), JSON.stringify(await consumerManifest(packages, tarballs)))
  // Every specifier is a file, so no registry is asked.
  await run('npm', ['install', '--offline', '--ignore-scripts', '--no-audit', '--no-fund'], folder)
  await link(usedByPrograms, join(root, 'e2e', 'node_modules'), folder)
  await link(usedByPrismaClient, join(root, 'packages', 'events-engine', 'node_modules'), folder)
  await cp(join(root, 'e2e', 'packed', 'programs'), join(folder, 'programs'), { recursive: true })
  project.provide('consumer', folder)
  return () => rm(folder, { recursive: true, force: true })
}

async function consumerManifest(packages: readonly Package[], tarballs: readonly string[]): Promise<object> {
  const packed = Object.fromEntries(packages.map(({ name }, index) => [name, `file:${tarballs[index]}`]))
  const { peers, others } = await neededOfOthers(packages)
  const dependencies = { ...packed, ...peers }
  // Packages ask for each other by version, and for others; npm is told where to find them on this machine.
  return { private: true, type: 'module', dependencies, overrides: { ...others, ...asGiven(dependencies) } }
}

/** What packages need of others, each as it is installed here, so that no registry is asked for it. */
export async function neededOfOthers(packages: readonly Package[]) {
  const own = new Set(packages.map(({ name }) => name))
  const peers: Record<string, string> = {}
  const others: Record<string, string> = {}
  for (const pkg of packages) {
    for (const name of runtimeDependencies(pkg).filter((one) => !own.has(one))) {
      const path = `file:${await realpath(join(pkg.folder, 'node_modules', name))}`
      if (name in (pkg.manifest.peerDependencies ?? {})) peers[name] = path
      else others[name] = path
    }
  }
  return { peers, others }
}

/** For npm's `overrides`: a package that asks for one of these gets the project's own. */
export const asGiven = (dependencies: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.keys(dependencies).map((name) => [name, `$${name}`]))

async function link(names: readonly string[], from: string, folder: string): Promise<void> {
  for (const name of names) {
    const target = join(folder, 'node_modules', name)
    if (existsSync(target)) continue
    await mkdir(dirname(target), { recursive: true })
    await symlink(await realpath(join(from, name)), target, 'junction')
  }
}
