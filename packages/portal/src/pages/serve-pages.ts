import { gzipSync } from 'node:zlib'
import { PortalProblem } from '../problem.ts'
import { type PageFile, readBuiltPages } from './built-pages.ts'

/** What the pages are served with. */
export interface PageOptions {
  /**
   * Pages that may show the portal in a frame, as sources of `frame-ancestors`: `'self'` in single quotes,
   * `https://admin.example.com`.
   * @defaultValue none
   */
  readonly frameAncestors?: readonly string[] | undefined
}

/** Answers a GET below the mount path with a page, a script or a style. */
export type ServePages = (request: Request, path: string, basePath: string) => Promise<Response>

const NOT_BUILT = `<!doctype html><html lang="en"><title>Webhooks</title><h1>The pages of the portal are not built yet</h1>
<p>Its JSON API works. In the repository, run <code>npm run build</code>, then load this page again; the published package holds them built.</p></html>`

/**
 * Creates what serves the built pages; they are read once they are asked for, and kept.
 *
 * @param logo - the URL of an image that they show.
 */
export function createPages({ frameAncestors = [] }: PageOptions, logo: string | null): ServePages {
  const headers = pageHeaders(frameAncestors, logo)
  let files: Promise<ReadonlyMap<string, PageFile>> | undefined
  const compressed = new WeakMap<PageFile, Uint8Array<ArrayBuffer>>()

  async function read(): Promise<ReadonlyMap<string, PageFile>> {
    files ??= readBuiltPages()
    const found = await files
    // They may be built while the host runs.
    if (found.size === 0) files = undefined
    return found
  }

  function gzipped(file: PageFile): Uint8Array<ArrayBuffer> {
    const bytes = compressed.get(file) ?? new Uint8Array(gzipSync(file.bytes))
    compressed.set(file, bytes)
    return bytes
  }

  return async (request, path, basePath) => {
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      throw new PortalProblem(405, 'method_not_allowed', 'This path knows GET.', {
        headers: { allow: 'GET' },
      })
    }
    // The pages ask for what lies beside them, which takes the slash.
    if (path === '') return new Response(null, { status: 308, headers: { location: `${basePath}/` } })
    const found = await read()
    if (found.size === 0 && path === '/') {
      return new Response(NOT_BUILT, { status: 503, headers: { ...headers, 'content-type': 'text/html' } })
    }
    const file = found.get(path === '/' ? '/index.html' : path)
    if (!file) throw new PortalProblem(404, 'not_found', 'There is nothing at this path.')
    const isGzipped = /\bgzip\b/.test(request.headers.get('accept-encoding') ?? '')
    return new Response(request.method === 'HEAD' ? null : isGzipped ? gzipped(file) : file.bytes, {
      headers: {
        ...headers,
        'content-type': file.type,
        'cache-control': file.isImmutable ? 'public, max-age=31536000, immutable' : 'no-cache',
        vary: 'accept-encoding',
        ...(isGzipped ? { 'content-encoding': 'gzip' } : {}),
      },
    })
  }
}

function pageHeaders(frameAncestors: readonly string[], logo: string | null): Record<string, string> {
  const ancestors = frameAncestors.length === 0 ? "'none'" : frameAncestors.join(' ')
  if (/[;,\r\n]/.test(ancestors)) {
    throw new TypeError(
      `The portal's frameAncestors must each be one source; got ${JSON.stringify(ancestors)}.`,
    )
  }
  return {
    'content-security-policy': [
      "default-src 'none'",
      "script-src 'self'",
      "style-src 'self'",
      "connect-src 'self'",
      `img-src 'self' data:${logo?.startsWith('https:') ? ` ${new URL(logo).origin}` : ''}`,
      "base-uri 'none'",
      "form-action 'self'",
      `frame-ancestors ${ancestors}`,
      // React writes text as text; nothing here makes markup of a string.
      "require-trusted-types-for 'script'",
      "trusted-types 'none'",
    ].join('; '),
    'referrer-policy': 'no-referrer',
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
  }
}
