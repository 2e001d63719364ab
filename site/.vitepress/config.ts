import { readFileSync } from 'node:fs'
import { defineConfig } from 'vitepress'

/** Written by scripts/build-site.ts, with the pages. */
const sidebar = JSON.parse(readFileSync(new URL('../pages/contents.json', import.meta.url), 'utf8'))

export default defineConfig({
  title: 'x-events',
  description: 'Entity events and signed webhooks for Node.js hosts, from inside the host.',
  srcDir: 'pages',
  cleanUrls: true,
  // What these pages say of servers on this machine is no link of the site.
  ignoreDeadLinks: 'localhostLinks',
  markdown: {
    // Pages have no HTML of their own. A line of TSDoc may begin with `<id>` inside of a code span, which is none either.
    config: (md) => void md.block.ruler.disable('html_block'),
  },
  themeConfig: {
    sidebar,
    outline: [2, 3],
    search: { provider: 'local' },
    nav: [
      { text: 'Quick start', link: '/quick-start' },
      { text: 'Send', link: '/send/' },
      { text: 'Receive', link: '/packages/receiver' },
      { text: 'Production', link: '/production/' },
      { text: 'API', link: '/api/' },
    ],
  },
})
