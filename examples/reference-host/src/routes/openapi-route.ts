import type { RequestHandler } from 'express'
import { openApiDocument } from '../openapi/openapi-document.ts'

/** `GET /api/openapi.json`: made once, since nothing in it changes while the host runs. */
export function showOpenApiDocument(): RequestHandler {
  const document = openApiDocument()
  return (_request, response) => {
    response.json(document)
  }
}
