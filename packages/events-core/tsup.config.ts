import { defineConfig } from 'tsup'

export default defineConfig({
  entry: ['src/index.ts'],
  format: ['esm', 'cjs'],
  target: 'node20',
  platform: 'neutral',
  removeNodeProtocol: false,
  // Consumers whose lib is older than Symbol.asyncDispose need to be told of it.
  dts: {
    banner: '/// <reference lib="esnext.disposable" />',
    compilerOptions: { composite: false, customConditions: [] },
  },
  clean: true,
  sourcemap: true,
})
