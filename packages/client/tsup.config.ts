import { defineConfig, type Options } from 'tsup'

const common: Options = {
  format: ['esm'],
  platform: 'neutral',
  removeNodeProtocol: false,
  sourcemap: true,
}

export default defineConfig([
  {
    ...common,
    entry: ['src/index.ts', 'src/tabs.ts'],
    target: 'node20',
    dts: {
      entry: ['src/index.ts', 'src/tabs.ts', 'src/browser.ts'],
      compilerOptions: { composite: false, customConditions: [] },
    },
    // Both are built at the same time.
    clean: ['!browser.js', '!browser.js.map'],
  },
  {
    ...common,
    entry: ['src/browser.ts'],
    target: 'es2022',
    // One file, for pages without a bundler.
    noExternal: [/.*/],
    splitting: false,
    minify: true,
    esbuildOptions(options) {
      options.conditions = ['@x/source']
    },
  },
])
