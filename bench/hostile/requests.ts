import type { HostileHost } from './hosts.ts'
import type { HostileInput } from './measure.ts'

const ORIGIN = 'https://host.example'
const MAX_BODY = 65_000
const URL_FIELD = '"url":"https://example.com/hook"'

const deep = `${'['.repeat(MAX_BODY / 2 - 100)}${']'.repeat(MAX_BODY / 2 - 100)}`
const digits = '9'.repeat(MAX_BODY - 100)
const wide = `{${Array.from({ length: 5_500 }, (_, index) => `"k${index}":"v"`).join()}}`
const twice = `{${Array.from({ length: 6_000 }, () => '"url":"x"').join()}}`
const patterns = JSON.stringify(Array.from({ length: 100 }, (_, index) => `${'x'.repeat(45)}${index}.*`))
const misspelt = JSON.stringify(Array.from({ length: 100 }, () => `Hostil.${'A'.repeat(90)}`))
const text = (character: string, length: number) => JSON.stringify(character.repeat(length))

/** What a tenant can ask of the portal: its bodies are of at most 64 KB, and Node takes at most 16 KB of headers. */
export function requestInputs({ portal }: HostileHost): HostileInput[] {
  const call = (method: string, path: string, body?: string, headers: Record<string, string> = {}) =>
    portal.handle(
      new Request(`${ORIGIN}/portal/api${path}`, {
        method,
        headers: { origin: ORIGIN, 'content-type': 'application/json', ...headers },
        ...(body === undefined ? {} : { body }),
      }),
    )
  const create = (field: string, value: string) => ({
    what: `portal: an endpoint whose ${field} is ${value.length} characters of ${value.slice(0, 8)}`,
    run: () => call('POST', '/endpoints', `{${URL_FIELD},"${field}":${value}}`),
  })
  const get = (what: string, path: string, headers?: Record<string, string>) => ({
    what: `portal: ${what}`,
    run: () => call('GET', path, undefined, headers),
  })
  const url = (what: string, value: string) => ({
    what: `portal: a URL ${what}`,
    run: () => call('POST', '/endpoints', `{"url":${JSON.stringify(value)}}`),
  })
  return [
    get('statistics of ten thousand years', '/statistics?since=0001-01-01&until=9999-12-31'),
    get('statistics of the year 0', '/statistics?since=0000-01-01&until=9999-12-31'),
    get(
      'statistics of 2000 buckets',
      '/statistics?since=2026-01-01&until=2026-01-02T09:20:00Z&bucketSeconds=60',
    ),
    get(
      'deliveries of ten thousand years',
      '/deliveries?createdAfter=0001-01-01&createdBefore=9999-12-31&limit=100',
    ),
    get('a time of 15 KB', `/statistics?since=${'1'.repeat(15_000)}`),
    get('an id of 15 KB', `/endpoints/${'%41'.repeat(5_000)}`),
    get('a path of 7,000 parts', `/${'a/'.repeat(7_000)}`),
    get('7,000 parameters', `/deliveries?${'a&'.repeat(7_000)}`),
    get('a cookie of 7,000 parts', '/endpoints', { cookie: 'a;'.repeat(7_000) }),
    { what: 'portal: a body 32,000 lists deep', run: () => call('POST', '/endpoints', deep) },
    { what: 'portal: 5,500 unknown fields', run: () => call('POST', '/endpoints', wide) },
    { what: 'portal: one field 6,000 times', run: () => call('POST', '/endpoints', twice) },
    create('eventTypes', deep),
    create('eventTypes', patterns),
    create('eventTypes', misspelt),
    create('description', text('x', MAX_BODY - 100)),
    create('metadata', wide),
    create('metadata', `{"a":${deep}}`),
    create('headers', wide),
    create('headers', `{"x":${text('\t', 30_000)}}`),
    create('siteId', digits),
    create('rateLimit', `{"limit":1,"perSeconds":${digits}}`),
    create('retrySchedule', `[${'1,'.repeat(30_000)}1]`),
    create('ordering', `{"by":${deep}}`),
    create('secret', text('A', MAX_BODY - 100)),
    create('secret', `"whsec_${'A'.repeat(MAX_BODY - 200)}"`),
    url('of 64 KB', `https://example.com/${'x'.repeat(MAX_BODY - 200)}`),
    url('with 60 KB of a name', `https://${'a.'.repeat(30_000)}com/`),
    url('with 2,000 characters of other alphabets', `https://${'ß∂ü.'.repeat(500)}com/`),
    url('with 2,000 characters of punycode', `https://xn--${'a'.repeat(2_000)}.com/`),
    url('with a zone', 'https://[fe80::1%25eth0]/'),
    url('with 2,000 steps up', `https://example.com/${'../'.repeat(675)}`),
    url('with an address in one number', 'https://0x7f000001/'),
  ]
}
