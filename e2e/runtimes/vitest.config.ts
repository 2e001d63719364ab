import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    name: 'runtimes',
    root: import.meta.dirname,
    include: ['*.test.ts'],
    testTimeout: 90_000,
    hookTimeout: 120_000,
    globalSetup: ['../../internal/testkit/src/postgres-setup.ts', 'set-up.ts'],
  },
})
