import { readFile } from 'node:fs/promises'
import { basename } from 'node:path'

/** What the scripts ask of the reference host. */
export interface HostApi {
  /** The webhook endpoints of the tenant. */
  endpoints(): Promise<readonly { readonly id: string; readonly url: string }[]>
  /** Has webhooks about all events sent to a URL, signed with a secret. */
  addEndpoint(url: string, secret: string): Promise<{ readonly id: string }>
  uploadFile(path: string): Promise<{ readonly fileId: number; readonly size: number }>
  /** Fetches the bytes of a file; the id of the event that this raised comes along. */
  downloadFile(fileId: number): Promise<{ readonly eventId: string; readonly content: Buffer }>
  /** What the host's subscriber has noted about downloads of a file. */
  downloadsOf(fileId: number): Promise<readonly { readonly eventId: string; readonly fileName: string }[]>
  /** Creates a page; answers the status, since it may well be refused. */
  addPage(name: string): Promise<number>
}

/** Talks to a host as its first tenant's administrator. */
export function createHostApi(url: string, token: string): HostApi {
  async function send(path: string, init: RequestInit = {}): Promise<Response> {
    return fetch(url + path, {
      ...init,
      headers: { authorization: `Bearer ${token}`, ...init.headers },
      signal: AbortSignal.timeout(10_000),
    })
  }

  async function ask<TAnswer>(path: string, init?: RequestInit): Promise<TAnswer> {
    const answer = await send(path, init)
    const body = await answer.text()
    if (!answer.ok) throw new Error(`${init?.method ?? 'GET'} ${path} answered ${answer.status}: ${body}`)
    return JSON.parse(body) as TAnswer
  }

  function json(body: object): RequestInit {
    return { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }
  }

  return {
    async endpoints() {
      const { items } = await ask<{ items: { id: string; url: string }[] }>('/portal/api/endpoints')
      return items
    },
    async addEndpoint(url, secret) {
      const { endpoint } = await ask<{ endpoint: { id: string } }>(
        '/portal/api/endpoints',
        json({ url, secret, eventTypes: ['*'] }),
      )
      return endpoint
    },
    async uploadFile(path) {
      const form = new FormData()
      form.set('file', new Blob([await readFile(path)]), basename(path))
      return ask('/api/File/upload', { method: 'POST', body: form })
    },
    async downloadFile(fileId) {
      const answer = await send(`/api/File/download/${fileId}`)
      const eventId = answer.headers.get('x-event-id')
      if (!answer.ok || !eventId) throw new Error(`The download answered ${answer.status}.`)
      return { eventId, content: Buffer.from(await answer.arrayBuffer()) }
    },
    downloadsOf: (fileId) => ask(`/api/File/${fileId}/downloads`),
    async addPage(name) {
      return (await send('/api/Page', json({ name }))).status
    },
  }
}
