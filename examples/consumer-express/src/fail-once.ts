import { Router } from 'express'

/**
 * For the demo alone: `POST /demo/fail-once` has the next webhook answered with 503, as a consumer
 * does that is being deployed. A consumer of your own needs nothing of this.
 */
export function failOnce(): Router {
  const router = Router()
  let isFailing = false

  router.post('/demo/fail-once', (_request, response) => {
    isFailing = true
    response.status(204).end()
  })
  router.post('/hook', (request, response, next) => {
    if (!isFailing) return next()
    isFailing = false
    console.log(`unavailable ${request.headers['webhook-id']}`)
    request.resume()
    response.status(503).end()
  })
  return router
}
