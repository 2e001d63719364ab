import { defineConfig } from 'tsup'

const server = {
  index: 'src/index.ts',
  express: 'src/express.ts',
  fastify: 'src/fastify.ts',
  hono: 'src/hono.ts',
}
const element = { element: 'src/element/index.ts' }

export default defineConfig([
  {
    entry: server,
    format: ['esm'],
    target: 'node22',
    platform: 'node',
    removeNodeProtocol: false,
    dts: {
      // The build of one would delete what the build of the other has made.
      entry: { ...server, ...element },
      compilerOptions: {
        composite: false,
        customConditions: [],
        lib: ['lib.es2024.d.ts', 'lib.esnext.disposable.d.ts', 'lib.dom.d.ts', 'lib.dom.iterable.d.ts'],
      },
    },
    // dist/ui is made by vite; the element is built at the same time.
    clean: ['!ui/**', '!element.*'],
    sourcemap: true,
  },
  { entry: element, format: ['esm'], target: 'es2022', platform: 'browser', sourcemap: true },
])
