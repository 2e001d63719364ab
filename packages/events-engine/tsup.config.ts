import { defineConfig } from 'tsup'

export default defineConfig({
  entry: ['index', 'sse', 'support', 'drizzle', 'knex', 'pg', 'prisma'].map((name) => `src/${name}.ts`),
  format: ['esm'],
  target: 'node22',
  platform: 'node',
  removeNodeProtocol: false,
  dts: { compilerOptions: { composite: false, customConditions: [] } },
  clean: true,
  sourcemap: true,
})
