import { defineConfig } from 'vitest/config'

// Tests read the workspace packages' TypeScript sources, so no build comes first.
const conditions = ['@x/source']

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    setupFiles: ['internal/testkit/src/fail-on-console.ts'],
    testTimeout: 20_000,
    hookTimeout: 60_000,
    projects: [
      {
        extends: true,
        test: { name: 'packages', include: ['packages/*/test/**/*.test.ts', 'internal/*/test/**/*.test.ts'] },
      },
      { extends: true, test: { name: 'examples', include: ['examples/*/test/**/*.test.ts'] } },
      { extends: true, test: { name: 'scripts', include: ['scripts/test/**/*.test.ts'] } },
    ],
  },
})
