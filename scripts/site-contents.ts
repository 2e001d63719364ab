import type { SitePage } from './site-pages.ts'

/** A group of the site's table of contents: sources in their order, or the beginning of their paths. */
interface Group {
  readonly title: string
  readonly sources: readonly string[]
}

const groups: readonly Group[] = [
  {
    title: 'Start',
    sources: ['README.md', 'docs/quick-start.md', 'docs/how-it-works.md', 'docs/guarantees.md'],
  },
  {
    title: 'Raise and handle events',
    sources: [
      'packages/events-engine/',
      'packages/events-core/',
      'docs/guides/capture-table.md',
      'docs/guides/other-database-libraries.md',
      'docs/guides/database-drivers.md',
      'docs/guides/cache-invalidation.md',
      'docs/guides/live-ui.md',
      'packages/client/',
    ],
  },
  {
    title: 'Send webhooks',
    sources: [
      'docs/send/README.md',
      'docs/send/endpoints.md',
      'docs/send/secrets.md',
      'docs/send/retries.md',
      'docs/send/alerts.md',
      'docs/send/order.md',
      'docs/send/limits.md',
      'docs/send/network.md',
      'docs/send/ownership.md',
      'docs/send/attempts.md',
      'docs/send/why.md',
      'docs/send/send-again.md',
      'docs/send/portal-api.md',
      'docs/guides/webhook-payloads.md',
      'docs/guides/content-filters.md',
      'docs/guides/webhook-workers.md',
      'docs/send/',
      'packages/sender/',
      'packages/portal/',
    ],
  },
  {
    title: 'Receive webhooks',
    sources: [
      'packages/receiver/',
      'docs/receive/any-language.md',
      'docs/receive/events.md',
      'docs/receive/inbox.md',
      'docs/receive/sequence.md',
      'docs/receive/replays.md',
      'docs/receive/other-senders.md',
      'docs/receive/public-keys.md',
      'docs/receive/testing.md',
      'docs/receive/troubleshooting.md',
      'docs/receive/',
      'packages/signature/',
    ],
  },
  {
    title: 'Production',
    sources: [
      'docs/production/README.md',
      'docs/production/',
      'docs/guides/postgres-poolers-and-serverless.md',
      'docs/guides/observability.md',
      'docs/guides/forget-a-tenant.md',
      'docs/benchmarks.md',
    ],
  },
  { title: 'Choose', sources: ['docs/compare/', 'docs/oqtane.md', 'docs/dependencies.md'] },
  { title: 'Examples', sources: ['examples/reference-host/', 'examples/'] },
  {
    title: 'More',
    sources: ['docs/guides/', 'docs/spec/', 'docs/glossary.md', 'CONTRIBUTING.md', 'SECURITY.md'],
  },
  { title: 'Decisions', sources: ['docs/decisions/'] },
]

/** An entry of the sidebar, as VitePress takes it. */
export interface ContentsGroup {
  readonly text: string
  readonly collapsed: boolean
  readonly items: readonly { readonly text: string; readonly link: string; readonly source: string }[]
}

/** The table of contents: every page is in it once, those that no group names in `More`. */
export function contentsOf(pages: readonly SitePage[]): ContentsGroup[] {
  const left = new Map(pages.map((page) => [page.source, page]))
  const take = (matches: (source: string) => boolean) =>
    [...left.values()]
      .filter(({ source }) => matches(source))
      .map((page) => {
        left.delete(page.source)
        const link = `/${page.target.replace(/(?:index)?\.md$/, '')}`
        return { text: page.title, link, source: page.source }
      })
  const found = groups.map(({ title, sources }) => ({
    text: title,
    collapsed: title === 'Decisions' || title === 'Examples',
    items: sources.flatMap((source) =>
      take((one) => (source.endsWith('/') ? one.startsWith(source) : one === source)),
    ),
  }))
  const rest = take(() => true)
  return found
    .map((group) => (group.text === 'More' ? { ...group, items: [...group.items, ...rest] } : group))
    .filter(({ items }) => items.length > 0)
}
