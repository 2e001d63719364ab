import { Validator } from '@seriousme/openapi-schema-validator'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { expect, it } from 'vitest'
import { routes as routeDescriptions } from '../src/http/routes.ts'
import { mountedRoutes } from './mounted-routes.ts'
import { jsonOf, openTestHost, upload } from './open-test-host.ts'
import { seedHost } from './seed-host.ts'

interface Operation {
  readonly operationId: string
  readonly responses: Record<string, { readonly content?: Record<string, { readonly schema: object }> }>
}

interface Document extends Record<string, unknown> {
  readonly paths: Record<string, Record<string, Operation>>
}

const named = ({ method, path }: { readonly method: string; readonly path: string }) =>
  `${method.toUpperCase()} ${path}`

it('is a valid OpenAPI document, about every route and no other', async () => {
  await using host = await openTestHost()
  const document = await jsonOf<Document>(host.send('/api/openapi.json', { token: undefined }))
  const { valid, errors } = await new Validator().validate(document)
  expect(errors).toBeUndefined()
  expect(valid).toBe(true)

  const operations = Object.values(document.paths).flatMap((path) => Object.values(path))
  const ids = operations.map(({ operationId }) => operationId)
  expect(ids.toSorted()).toEqual([...new Set(ids)].sort())

  const isApi = ({ path }: { readonly path: string }) => /^\/(api|healthz|readyz|metrics)(\/|$)/.test(path)
  const real = mountedRoutes(host.host.app.router).filter(isApi).map(named)
  // Only a process of its own measures; its route is tested there.
  expect([...new Set([...real, 'GET /metrics'])].sort()).toEqual(routeDescriptions.map(named).sort())
  const documented = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => named({ method, path: path.replaceAll(/\{(\w+)\}/g, ':$1') })),
  )
  expect(documented.sort()).toEqual(routeDescriptions.map(named).sort())
})

it('describes what is really answered', async () => {
  await using host = await openTestHost()
  await seedHost(host)
  const document = await jsonOf<Document>(host.send('/api/openapi.json'))
  const ajv = new Ajv2020({ strict: false, validateFormats: false })
  ajv.addSchema({ ...document, $id: 'host' })
  const login = { username: 'ada', password: 'correct horse battery' }
  const special: Readonly<Record<string, object>> = {
    'POST /api/User/login': login,
    'PUT /api/User/:id/password': { password: login.password },
    'POST /api/Token': { name: 'import' },
    'POST /api/Token/rotate': {},
    'POST /api/User': { username: 'bob', displayName: 'Bob', email: 'bob@example.org' },
    'POST /api/Role': { name: 'Readers' },
    'POST /api/Site': { name: 'Blog' },
  }
  const seen = new Set<string>()
  const order = { get: 0, put: 1, post: 2, delete: 3 }
  const byHarm = routeDescriptions.toSorted((a, b) => order[a.method] - order[b.method])

  for (const route of byHarm) {
    const name = named(route)
    const template = route.path.replaceAll(/:(\w+)/g, '{$1}')
    const operation = document.paths[template]?.[route.method]
    const path = route.path.replace(':lastSyncDate', '20200101000000000').replace(':id', '1')
    if (name === 'GET /metrics' || name === 'GET /api/Sync/stream') continue
    if (name.startsWith('POST /api/File')) {
      const answer = await upload(host, `${seen.size}.txt`, 'content')
      check(name, answer.status, 'application/json', await answer.text())
      continue
    }
    // What is there already is sent back: a change that changes nothing, or one that is refused.
    const entity = route.path.replace(/\/:id$/, '')
    const existing = /^\/api\/\w+(\/:id)?$/.test(route.path) && ['put', 'post'].includes(route.method)
    const body = special[name] ?? (existing ? await jsonOf<object>(host.send(`${entity}/1`)) : undefined)
    const answer = await host.send(path, { method: route.method.toUpperCase(), body })
    check(name, answer.status, answer.headers.get('content-type') ?? '', await answer.text())

    function check(label: string, status: number, contentType: string, text: string): void {
      const response = operation?.responses[status]
      expect.soft(response, `${label} answered ${status} ${text.slice(0, 200)}`).toBeDefined()
      expect.soft([label, status < 500], label).toEqual([label, true])
      const [type = ''] = contentType.split(';')
      const index = ['paths', template, route.method, 'responses', String(status), 'content', type, 'schema']
      if (response?.content?.[type]) {
        const pointer = index.map((part) =>
          encodeURIComponent(part.replaceAll('~', '~0').replaceAll('/', '~1')),
        )
        const validate = ajv.getSchema(`host#/${pointer.join('/')}`)
        expect.soft([label, validate?.(JSON.parse(text)), validate?.errors]).toEqual([label, true, null])
      } else if (!response?.content?.['*/*']) expect.soft([label, text]).toEqual([label, ''])
      seen.add(label)
    }
  }
  expect(seen.size).toBe(routeDescriptions.length - 2)
})
