import { type Browser, chromium } from 'playwright-core'

/** A browser that runs. */
export type TestBrowser = Browser

// As root and on a machine that reaches no network: no sandbox, and none of the calls home.
const ARGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--disable-dev-shm-usage',
]

/** Where the Chromium is that tests start; undefined on a machine without one. */
export function chromiumPath(): string | undefined {
  return process.env['CHROMIUM_PATH'] || undefined
}

/**
 * Starts a headless Chromium with a profile of its own, gone when it ends.
 *
 * @param path - the program; the tests' default is `CHROMIUM_PATH`, which vitest.config.ts sets.
 */
export async function launchBrowser(path: string | undefined = chromiumPath()): Promise<TestBrowser> {
  if (path === undefined) throw new Error('There is no Chromium here; set CHROMIUM_PATH to one.')
  // In another language's encoding, or in none, the names of files that it takes and gives would change.
  const env = { ...process.env, LC_ALL: 'C.UTF-8' }
  return chromium.launch({ executablePath: path, args: ARGS, env, timeout: 120_000 })
}
