import { defineConfig } from 'tsup'

export default defineConfig({
  entry: ['src/index.ts', 'src/index-node.ts'],
  format: ['esm', 'cjs'],
  target: 'node20',
  platform: 'node',
  removeNodeProtocol: false,
  dts: { compilerOptions: { composite: false, customConditions: [] } },
  clean: true,
  sourcemap: true,
})
