import { readFile } from 'node:fs/promises'
import { eventTypeOf } from '@x/events-core'
import { expect, it, vi } from 'vitest'
import { onEachDatabase } from './each-database.ts'
import { jsonOf, openTestHost, type TestHost, upload } from './open-test-host.ts'

/** A request of the table; `{Page}` is the id of the page that was added last. */
interface TableRequest {
  readonly method: string
  readonly path: string
  readonly body?: Readonly<Record<string, unknown>>
  /** Whether it logs the user in, or is sent as that user. */
  readonly session?: 'begins' | 'is sent'
}

interface Row {
  readonly what: string
  /** The events that Oqtane raises, in their order. */
  readonly oqtane: readonly string[]
  /** Where: file and line of each call of AddSyncEvent. */
  readonly source: readonly string[]
  /** The events of the host, where they are others. */
  readonly host?: readonly string[]
  /** Why they are others, or why the host has no such change. */
  readonly why?: string
  readonly before?: readonly TableRequest[]
  readonly request?: TableRequest
  /** The name of a file to upload. */
  readonly upload?: string
}

interface Table {
  readonly oqtane: { readonly version: string; readonly places: number }
  readonly rows: readonly Row[]
}

const { oqtane, rows } = JSON.parse(
  await readFile(new URL('oqtane-events.json', import.meta.url), 'utf8'),
) as Table

vi.setConfig({ testTimeout: 480_000 })

it('names each place where Oqtane raises once, and why the host differs wherever it does', () => {
  const places = rows.flatMap(({ source }) => source)
  expect(new Set(places).size).toBe(oqtane.places)
  expect(places).toHaveLength(oqtane.places)
  for (const { what, host, request, upload: file, why } of rows) {
    const isShown = request !== undefined || file !== undefined || what === 'The server starts'
    expect([what, why !== undefined]).toEqual([what, host !== undefined || !isShown])
  }
})

onEachDatabase('raises what Oqtane raises, row by row', async () => {
  await using host = await openTestHost()
  // From the log: it may have been handed on before anybody listened here.
  const started = await host.host.services.engine.syncManager.getSyncEvents(1, new Date(0))
  expect(started.map(eventTypeOf)).toEqual(['Host.Reload'])
  const send = sender(host)
  let seen = (await host.events()).length

  for (const { what, oqtane: expected, host: own = expected, before = [], request, upload: file } of rows) {
    if (request === undefined && file === undefined) continue
    for (const one of before) await send(what, one)
    seen = (await host.events()).length
    if (request) await send(what, request)
    else await send.upload(file ?? '')
    const events = (await host.events()).slice(seen)
    expect.soft([what, events.map(eventTypeOf)]).toEqual([what, own])
  }
})

/** Sends requests of the table, and remembers the ids of what they add, and who is logged in. */
function sender(host: TestHost) {
  const ids: Record<string, number> = { Tenant: 1, Site: 1, Folder: 1 }
  let cookie = ''
  const filled = (text: string) =>
    text.replaceAll(/"?\{(\w+)\}"?/g, (_all, name: string) => String(ids[name]))

  async function send(what: string, { method, path, body, session }: TableRequest): Promise<void> {
    const response = await host.send(filled(path), {
      method,
      ...(body && { body: JSON.parse(filled(JSON.stringify(body))) }),
      ...(session === 'is sent' && { token: undefined, headers: { cookie } }),
    })
    expect([what, response.status < 300, response.status]).toEqual([what, true, response.status])
    if (session === 'begins') cookie = (response.headers.get('set-cookie') ?? '').split(';')[0] ?? ''
    const [, name = ''] = /^\/api\/(\w+)$/.exec(path) ?? []
    if (response.status === 201) remember(name, await jsonOf<Record<string, number>>(response))
  }
  function remember(name: string, entity: Readonly<Record<string, number>>): void {
    ids[name] = entity[`${name.charAt(0).toLowerCase()}${name.slice(1)}Id`] ?? 0
  }
  return Object.assign(send, {
    async upload(name: string): Promise<void> {
      remember('File', await jsonOf<Record<string, number>>(upload(host, name, 'content')))
    },
  })
}
