import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { basename, delimiter, dirname, join } from 'node:path'
import process from 'node:process'
import { expect } from 'vitest'
import { run } from '../../scripts/pack.ts'
import { runChild } from '../../scripts/setup/child-process.mjs'
import { type Manifest, publishedPackages } from '../../scripts/workspace.ts'
import { asGiven, neededOfOthers } from './install-packed-packages.ts'

/** The tarballs that the set-up has packed. */
async function packedTarballs(consumer: string): Promise<string[]> {
  const folders = (await readdir(consumer)).filter((name) => name.startsWith('pack-'))
  const files = folders.map(async (folder) =>
    (await readdir(join(consumer, folder))).map((file) => join(consumer, folder, file)),
  )
  return (await Promise.all(files)).flat()
}

/** A registry, as far as npm asks one to install: what versions there are, and their tarballs. */
async function startRegistry(tarballs: readonly string[], folder: string) {
  const asked: string[] = []
  const answers = new Map<string, Buffer | (() => object)>()
  const server = createServer(({ url = '' }, response) => {
    const path = decodeURIComponent(url)
    asked.push(path)
    const answer = answers.get(path)
    if (answer === undefined) response.writeHead(404).end('{}')
    else if (Buffer.isBuffer(answer)) response.end(answer)
    else response.setHeader('content-type', 'application/json').end(JSON.stringify(answer()))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  for (const tarball of tarballs) {
    const content = await readFile(tarball)
    const manifest = JSON.parse(
      await run('tar', ['-xzOf', tarball, 'package/package.json'], folder),
    ) as Manifest
    const { name, version } = manifest
    const path = `/${name}/-/${basename(tarball)}`
    const integrity = `sha512-${createHash('sha512').update(content).digest('base64')}`
    answers.set(path, content)
    answers.set(`/${name}`, () => ({
      name,
      'dist-tags': { latest: version },
      versions: { [version]: { ...manifest, dist: { tarball: url + path, integrity } } },
    }))
  }
  return {
    url,
    asked,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
    },
  }
}

/**
 * Installs the packages by their versions, with npm, and imports them, both on one Node.js: each with the versions of the
 * others that it asks for.
 */
export async function installFromRegistry(node: string, consumer: string): Promise<void> {
  const packages = publishedPackages()
  const folder = await mkdtemp(join(consumer, 'registry-'))
  await using registry = await startRegistry(await packedTarballs(consumer), folder)
  // The sender brings core, engine and signature, the portal asks for the sender.
  const wanted = { '@x/portal': '*', '@x/receiver': '*', '@x/client': '*', '@x/sender': '*' }
  const { peers, others } = await neededOfOthers(packages)
  const manifest = {
    ...{ private: true, type: 'module', dependencies: { ...wanted, ...peers } },
    overrides: { ...others, ...asGiven(peers) },
  }
  await writeFile(join(folder, 'package.json'), JSON.stringify(manifest))
  await writeFile(join(folder, '.npmrc'), `@x:registry=${registry.url}\n`)
  const options = {
    cwd: folder,
    // The npm that is found runs on the Node.js that is found first.
    env: { ...process.env, PATH: `${dirname(node)}${delimiter}${process.env['PATH']}` },
    shell: process.platform === 'win32',
  }
  const args = ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--cache', join(folder, 'cache')]
  const { code, output } = await runChild('npm', args, options)
  expect(code, output).toBe(0)
  const names = packages.map(({ name }) => name)
  const installed = await readdir(join(folder, 'node_modules', '@x'))
  expect(installed.map((name) => `@x/${name}`).sort()).toEqual(names.sort())
  expect(registry.asked.filter((path) => path.endsWith('.tgz'))).toHaveLength(names.length)
  const imports = Object.keys(wanted).map((name) => `await import('${name}')`)
  await run(node, ['--input-type=module', '-e', imports.join('\n')], folder)
}
