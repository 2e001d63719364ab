import { cp, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { root } from '../../scripts/setup/paths.mjs'
import { bundleForBrowsers } from '../packed/bundle.ts'
import { setup as installPackedPackages } from '../packed/install-packed-packages.ts'
import { fetchRuntimes, unavailable } from './runtimes.ts'

const imports = ['signature', 'receiver', 'testing']
const specifiers = ['@x/signature', '@x/receiver', '@x/receiver/testing']

const esm = `
import { conformance } from './conformance.js'
import { vectors } from './vectors.js'
${imports.map((name, index) => `import * as ${name} from '${specifiers[index]}'`).join('\n')}
export const run = () => conformance({ ${imports.join(', ')}, vectors })
`
const commonJs = `
${imports.map((name, index) => `const ${name} = require('${specifiers[index]}')`).join('\n')}
Promise.all([import('./conformance.js'), import('./vectors.js')])
  .then(([{ conformance }, { vectors }]) => conformance({ ${imports.join(', ')}, vectors }))
  .then((result) => console.log(JSON.stringify(result)))
`
const print = (module: string) => `
import { run } from './${module}'
console.log(JSON.stringify(await run()))
`
const worker = `
import { run } from './esm.js'
export default { fetch: async () => Response.json(await run()) }
`
const workerdConfig = `
using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = (
    modules = [(name = "worker", esModule = embed "worker-bundle.js")],
    compatibilityDate = "2026-11-01",
  ))],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")],
);
`

/** Installs the packed packages, and puts beside them what each runtime is to run. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  if (unavailable) return async () => {}
  await fetchRuntimes()
  let consumer = ''
  const tearDown = await installPackedPackages({
    provide: (key: 'consumer', folder: string) => {
      consumer = folder
      project.provide(key, folder)
    },
  } as TestProject)
  const file = (name: string) => join(consumer, name)
  const vectors = ['official', 'refused', 'bodies'].map(
    (name) => `import ${name} from './vectors/${name}.json' with { type: 'json' }`,
  )
  await cp(join(root, 'packages/signature/vectors'), file('vectors'), { recursive: true })
  await cp(join(root, 'e2e/runtimes/conformance.js'), file('conformance.js'))
  const programs = {
    'vectors.js': `${vectors.join('\n')}\nexport const vectors = { official, refused, bodies }\n`,
    'esm.js': esm,
    'print-esm.js': print('esm.js'),
    'print-web.js': print('web-bundle.js'),
    'print-cjs.cjs': commonJs,
    'worker.js': worker,
    'workerd.capnp': workerdConfig,
  }
  for (const [name, code] of Object.entries(programs)) await writeFile(file(name), code)
  await writeFile(file('web-bundle.js'), await bundleForBrowsers(consumer, file('esm.js')))
  await writeFile(file('worker-bundle.js'), await bundleForBrowsers(consumer, file('worker.js')))
  return tearDown
}
