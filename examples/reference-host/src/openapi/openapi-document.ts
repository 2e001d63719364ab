import { operationOf } from './describe-route.ts'
import { routeDescriptions } from './route-descriptions.ts'

/** The host's API as an OpenAPI 3.1 document. */
export function openApiDocument() {
  const paths: Record<string, Record<string, object>> = {}
  for (const route of routeDescriptions) {
    const { path, operation } = operationOf(route)
    paths[path] = { ...paths[path], [route.method]: operation }
  }
  return {
    openapi: '3.1.1',
    info: {
      title: 'Reference host',
      version: '1.0.0',
      description:
        'A small CMS for several tenants; the name that a request asks for tells whose. The portal below /portal is a page for people, with an API of its own.',
    },
    paths,
    components: {
      securitySchemes: {
        token: { type: 'http', scheme: 'bearer', description: 'A token of the tenant.' },
        session: {
          type: 'apiKey',
          in: 'cookie',
          name: 'host_session',
          description: 'Somebody who is logged in, with the role Administrators.',
        },
      },
      schemas: {
        Problem: {
          type: 'object',
          description: 'RFC 9457',
          required: ['type', 'title', 'status', 'code'],
          properties: {
            type: { type: 'string' },
            title: { type: 'string' },
            status: { type: 'integer' },
            code: { type: 'string', description: 'What is wrong, for programs.' },
            detail: { type: 'string' },
            field: { type: 'string', description: 'The first of the fields in errors.' },
            requestId: { type: 'string', description: 'Names the request in the log.' },
            errors: {
              type: 'object',
              description: 'What is wrong, by the names of the fields.',
              additionalProperties: { type: 'array', items: { type: 'string' } },
            },
          },
        },
      },
    },
  }
}
