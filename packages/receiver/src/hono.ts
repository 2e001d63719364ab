import { responseOf } from './handle-request.ts'
import type { MountedReceiver } from './mounted-receiver.ts'
import { readRequestBody } from './read-body.ts'

export type { MountedReceiver } from './mounted-receiver.ts'

/** The part of Hono's context that is needed. */
export interface HonoContext {
  readonly req: {
    readonly raw: Request
    /** What Hono's own readers left. Only bytes are used: its text was decoded. */
    readonly bodyCache: { readonly arrayBuffer?: ArrayBuffer | Promise<ArrayBuffer> | undefined }
  }
}

/** A handler of Hono. */
export type HonoWebhook = (context: HonoContext) => Promise<Response>

/**
 * Makes a receiver a handler of Hono, on any of its runtimes. After `c.req.arrayBuffer()` it uses those
 * bytes; after `c.req.json()` or `c.req.text()` the answer is 500 with the code `body_consumed`.
 *
 * @example
 * ```ts
 * import { Hono } from 'hono'
 * import { createReceiver } from '@x/receiver'
 * import { webhook } from '@x/receiver/hono'
 *
 * const receiver = createReceiver({ secrets: process.env['WEBHOOK_SECRET']! })
 *
 * const app = new Hono()
 * app.post('/hook', webhook(receiver))
 * ```
 */
export function webhook(receiver: MountedReceiver): HonoWebhook {
  return async ({ req }) => {
    const { raw, bodyCache } = req
    const answer = await receiver.receive({
      method: raw.method,
      headers: raw.headers,
      url: raw.url,
      // Made on first use, in some runtimes.
      get signal() {
        return raw.signal
      },
      body: async (maxBodyBytes) => (await bodyCache.arrayBuffer) ?? readRequestBody(raw, maxBodyBytes),
    })
    return responseOf(answer)
  }
}
