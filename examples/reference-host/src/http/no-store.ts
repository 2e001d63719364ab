import type { RequestHandler } from 'express'

/** What is said to whoever has a token or a session is for them, and kept nowhere. */
export const noStore: RequestHandler = (_request, response, next) => {
  response.set('cache-control', 'no-store')
  next()
}
