import { defineConfig } from 'tsup'

export default defineConfig({
  entry: [
    'src/index.ts',
    'src/bin.ts',
    'src/express.ts',
    'src/fastify.ts',
    'src/hono.ts',
    'src/koa.ts',
    'src/kysely.ts',
    'src/lambda.ts',
    'src/nestjs.ts',
    'src/next.ts',
    'src/node.ts',
    'src/redis.ts',
    'src/schemes.ts',
    'src/testing.ts',
  ],
  format: ['esm', 'cjs'],
  target: 'node20',
  platform: 'node',
  removeNodeProtocol: false,
  dts: { compilerOptions: { composite: false, customConditions: [] } },
  clean: true,
  sourcemap: true,
})
