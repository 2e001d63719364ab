import { defineConfig } from 'tsup'

export default defineConfig({
  entry: ['src/index.ts', 'src/tabs.ts'],
  format: ['esm'],
  target: 'node22',
  platform: 'neutral',
  removeNodeProtocol: false,
  dts: { compilerOptions: { composite: false, customConditions: [] } },
  clean: true,
  sourcemap: true,
})
