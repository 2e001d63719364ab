import { defineConfig } from 'tsup'

export default defineConfig({
  entry: ['src/index.ts', 'src/support.ts'],
  format: ['esm'],
  target: 'node22',
  platform: 'node',
  removeNodeProtocol: false,
  dts: { compilerOptions: { composite: false, customConditions: [] } },
  clean: true,
  sourcemap: true,
})
