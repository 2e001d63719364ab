import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { temporaryFolder, testConsumer, waitFor } from '@x/testkit'
import { expect, it, vi } from 'vitest'
import { startMain } from './start-main.ts'

// Hosts in processes of their own take long to start where much else is going on.
vi.setConfig({ testTimeout: 240_000 })

const read = (name: string) =>
  readFileSync(fileURLToPath(new URL(`../../../docs/production/${name}`, import.meta.url)), 'utf8')

/** The queries of the dashboard, and the rules. */
function expressions(): string[] {
  const { panels } = JSON.parse(read('grafana-dashboard.json')) as {
    panels: { targets: { expr: string }[] }[]
  }
  const rules = read('alerts.yaml')
    .split('- alert:')
    .slice(1)
    .map((rule) => /expr:([\s\S]*?)\n {8}(?:for|labels):/.exec(rule)?.[1] ?? '')
  return [...panels.flatMap(({ targets }) => targets.map(({ expr }) => expr)), ...rules]
}

it('asks for metrics, labels and values that a host has', async () => {
  await using folder = await temporaryFolder()
  await using consumer = await testConsumer()
  await using host = startMain({
    HOST_DATA_DIR: folder.path,
    ADMIN_TOKEN: 'the-token-of-the-admin',
    WEBHOOK_ALLOW_NETWORKS: '127.0.0.0/8',
    METRICS_OPEN: 'true',
  })
  const url = await host.ready()
  const headers = { authorization: 'Bearer the-token-of-the-admin', 'content-type': 'application/json' }
  const post = (path: string, body: object) =>
    fetch(url + path, { method: 'POST', headers, body: JSON.stringify(body) })
  consumer.answer(({ path }) => (path === '/hook' ? 500 : 204))
  await post('/portal/api/endpoints', { url: consumer.url, eventTypes: ['Page.Create'] })
  await post('/portal/api/endpoints', {
    url: new URL('/good', consumer.url).href,
    eventTypes: ['Page.Create'],
  })
  expect((await post('/api/Page', { name: 'Home' })).status).toBe(201)

  const text = await waitFor(async () => {
    const shown = await (await fetch(`${url}/metrics`)).text()
    return /x_webhooks_result="failed"/.test(shown) && /x_webhooks_result="succeeded"/.test(shown) && shown
  }, 'both attempts to be measured')
  const series = new Map<string, string>()
  for (const line of text.split('\n')) {
    const [, name = '', labels = ''] = /^([a-z_]+)(\{.*\})? /.exec(line) ?? []
    if (name) series.set(name, `${series.get(name) ?? ''}${labels}`)
  }

  const asked = expressions()
  expect(asked.length).toBeGreaterThan(20)
  for (const expression of asked) {
    const names = expression.match(/x_(?:events|webhooks)_[a-z_]+(?=[{[)\s]|$)/g) ?? []
    const metrics = names.filter(
      (name) => !/^x_(?:events_(?:subscription|action)|webhooks_result)$/.test(name),
    )
    expect(metrics, expression).not.toEqual([])
    for (const metric of metrics) expect([...series.keys()], expression).toContain(metric)
    const labels = metrics.map((metric) => series.get(metric)).join()
    const used = [...expression.matchAll(/[{,]([a-z_]+)(?:=|!)/g), ...expression.matchAll(/by \(([^)]+)\)/g)]
    for (const label of used.flatMap(([, list = '']) => list.split(/, ?/))) {
      // `job` and `instance` are of Prometheus.
      if (label !== 'job') expect(labels, expression).toContain(`${label}=`)
    }
  }
  // Values that rules compare with, besides those that only show when something breaks.
  expect(text).toContain('x_events_subscription="webhooks"')
})
