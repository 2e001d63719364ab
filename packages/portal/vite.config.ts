import process from 'node:process'
import { defineConfig } from 'vite'

// A build that tests start has theirs, and would get React for development, half as large again.
process.env['NODE_ENV'] = 'production'

// The pages: static files that work below any path, and need nothing from elsewhere.
export default defineConfig({
  root: 'src/ui',
  base: './',
  build: {
    outDir: '../../dist/ui',
    emptyOutDir: true,
    target: 'es2022',
    // Those that know light-dark(), which else becomes something that no script can switch.
    cssTarget: ['chrome123', 'firefox120', 'safari17.5'],
    // Nothing becomes a data: URL, which the content security policy would refuse for scripts and styles.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
})
