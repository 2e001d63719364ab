import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import express, { Router } from 'express'

const files = fileURLToPath(new URL('../../public', import.meta.url))
// As it is published, also where everything else runs from its sources: browsers take no TypeScript.
const clientPackage = dirname(createRequire(import.meta.url).resolve('@x/client/package.json'))
const client = join(clientPackage, 'dist', 'browser.js')

/** The page at `/`: files as they are, with no build step, and the client library that they import. */
export function webPage(): Router {
  const router = Router()
  // Asked for again each time: after the host was updated, a page that reloads is to get what is new.
  const options = { cacheControl: false, setHeaders: noCache }
  router.get('/assets/client.js', (_request, response, next) => {
    response.sendFile(client, options, (error) => {
      // Not built: that is a page missing, and no failure of the host.
      if (error) next(response.headersSent ? error : undefined)
    })
  })
  router.use(express.static(files, options))
  return router
}

function noCache(response: { setHeader(name: string, value: string): unknown }): void {
  response.setHeader('cache-control', 'no-cache')
}
