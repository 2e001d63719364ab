import { defineConfig } from 'tsup'

export default defineConfig({
  entry: ['src/index.ts', 'src/express.ts', 'src/testing.ts'],
  format: ['esm', 'cjs'],
  target: 'node22',
  platform: 'node',
  removeNodeProtocol: false,
  dts: { compilerOptions: { composite: false, customConditions: [] } },
  clean: true,
  sourcemap: true,
})
