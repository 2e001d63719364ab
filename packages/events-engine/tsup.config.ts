import { defineConfig } from 'tsup'

export default defineConfig({
  entry: {
    index: 'src/index.ts',
    sse: 'src/sse.ts',
    internal: 'src/internal.ts',
    drizzle: 'src/adapters/drizzle.ts',
    knex: 'src/adapters/knex.ts',
    pg: 'src/adapters/pg.ts',
    prisma: 'src/adapters/prisma.ts',
  },
  format: ['esm'],
  target: 'node22',
  platform: 'node',
  removeNodeProtocol: false,
  dts: { compilerOptions: { composite: false, customConditions: [] } },
  clean: true,
  sourcemap: true,
})
