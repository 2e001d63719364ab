import { createInterface } from 'node:readline'
import { Readable } from 'node:stream'

/** What a stream tells of an event; there is more to it. */
interface StreamedEvent {
  readonly entityName: string
  readonly entityId: number | string
  readonly action: string
}

/**
 * Listens to the events of a host's stream until it is closed, as a browser does. It does not
 * connect again: `@x/client` does that.
 */
export async function followStream(
  url: string,
  onEvent: (event: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const { body, status } = await fetch(url, { signal, headers: { accept: 'text/event-stream' } })
  if (!body || status !== 200) throw new Error(`${url} answered ${status}`)
  void read()

  async function read(): Promise<void> {
    try {
      for await (const line of createInterface(Readable.fromWeb(body as never))) {
        if (!line.startsWith('data:')) continue
        const { entityName, action, entityId } = JSON.parse(line.slice('data:'.length)) as StreamedEvent
        if (entityName) onEvent(`${entityName}.${action} ${entityId}`)
      }
    } catch {
      // The host has ended, or this process is about to.
    }
  }
}
