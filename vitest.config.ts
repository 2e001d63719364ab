import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'
import { findBrowser } from './scripts/setup/browser.mjs'

// Tests read the workspace packages' TypeScript sources, so no build comes first.
const conditions = ['@x/source']
const oldestKysely = fileURLToPath(new URL('e2e/node_modules/kysely28/dist/esm/index.js', import.meta.url))

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    env: {
      // Read by @x/testkit/browser.
      CHROMIUM_PATH: findBrowser() ?? '',
      // Processes that tests start would spend half of their starting on compiling the same sources.
      NODE_COMPILE_CACHE: fileURLToPath(new URL('node_modules/.cache/node-compile', import.meta.url)),
    },
    setupFiles: ['internal/testkit/src/fail-on-console.ts'],
    // Most of a test is waiting: for processes, disks, sockets, clocks.
    maxWorkers: 2 * availableParallelism() + 3,
    // Loading the sources anew for each file would take a fifth of the time. What a test changes of what
    // all share is put back.
    isolate: false,
    restoreMocks: true,
    unstubEnvs: true,
    // Generous: a test waits for conditions, and a machine may be busy.
    testTimeout: 300_000,
    hookTimeout: 300_000,
    projects: [
      {
        extends: true,
        test: {
          name: 'packages',
          include: ['packages/*/test/**/*.test.ts', 'internal/*/test/**/*.test.ts'],
          globalSetup: ['internal/testkit/src/postgres-setup.ts', 'scripts/build-portal-pages.ts'],
        },
      },
      {
        extends: true,
        test: {
          name: 'examples',
          include: ['examples/*/test/**/*.test.ts'],
          globalSetup: ['internal/testkit/src/postgres-setup.ts', 'scripts/build-portal-pages.ts'],
        },
      },
      { extends: true, test: { name: 'scripts', include: ['scripts/test/**/*.test.ts'] } },
      // The oldest Kysely that the packages say they work with, by what touches most of it.
      {
        resolve: { conditions, alias: [{ find: /^kysely$/, replacement: oldestKysely }] },
        ssr: { resolve: { conditions } },
        extends: true,
        test: {
          name: 'oldest-kysely',
          include: [
            'packages/events-engine/test/**/a-captured-table-raises-every-change.test.ts',
            'packages/events-engine/test/**/events-commit-with-the-hosts-transaction.test.ts',
            'packages/sender/test/**/events-become-signed-webhooks.test.ts',
            'packages/receiver/test/**/replay-store-in-sql.test.ts',
            'packages/receiver/test/**/kysely-commits-a-message-with-its-work.test.ts',
          ],
          globalSetup: ['internal/testkit/src/postgres-setup.ts', 'scripts/build-portal-pages.ts'],
        },
      },
      // The code blocks of README and docs, each in a process of its own.
      { extends: true, test: { name: 'docs', include: ['e2e/docs/**/*.test.ts'] } },
      // What docs/production says how to do.
      {
        extends: true,
        test: {
          name: 'production',
          include: ['e2e/production/**/*.test.ts'],
          globalSetup: ['internal/testkit/src/postgres-setup.ts'],
        },
      },
      // Two hosts that send each other webhooks, on databases and servers of their own.
      { extends: true, test: { name: 'bank', include: ['e2e/bank/**/*.test.ts'] } },
      // The packages as npm would deliver them; its set-up builds what is out of date, and packs.
      {
        extends: true,
        test: {
          name: 'packed',
          include: ['e2e/packed/**/*.test.ts'],
          globalSetup: ['internal/testkit/src/postgres-setup.ts', 'e2e/packed/install-packed-packages.ts'],
        },
      },
    ],
  },
})
