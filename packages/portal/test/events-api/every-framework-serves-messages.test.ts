import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import { createEventsApi, type EventsApi, type PulledMessages } from '@x/sender'
import { waitFor } from '@x/testkit'
import express from 'express'
import fastify from 'fastify'
import { Hono } from 'hono'
import { expect, it } from 'vitest'
import { openSender } from '../open-sender.ts'

/** How each framework mounts it, as docs/receive/events-api.md says. */
const frameworks: Readonly<Record<string, (api: EventsApi) => RequestListener | Promise<RequestListener>>> = {
  'node:http': (api) => api.node,
  Express: (api) => express().use('/events', api.node),
  Hono: (api) =>
    getRequestListener(new Hono().all('/events/*', (context) => api.handle(context.req.raw)).fetch),
  async Fastify(api) {
    const app = fastify()
    app.all('/events/*', (request, reply) => {
      reply.hijack()
      api.node(request.raw, reply.raw)
    })
    await app.ready()
    return (request, response) => void app.routing(request, response)
  },
}

it.each(Object.keys(frameworks))(
  'serves messages in %s, and notices that a consumer is gone',
  async (name) => {
    await using opened = await openSender()
    const { engine, sender } = opened
    const { endpoint } = await sender.endpoints.create({ tenantId: 1, url: null })
    const { key } = await sender.endpoints.createKey(endpoint.id)
    const api = createEventsApi({ sender })
    const server = createServer(await frameworks[name]?.(api))
    await using _ = {
      async [Symbol.asyncDispose]() {
        server.closeAllConnections()
        await new Promise((resolve) => server.close(resolve))
      },
    }
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/events/endpoints/${endpoint.id}/messages`
    const read = (query: string, init: RequestInit = {}) =>
      fetch(`${url}?${query}`, { headers: { authorization: `Bearer ${key}` }, ...init })

    const gone = new AbortController()
    const left = read('wait=30', { signal: gone.signal }).catch((error: Error) => error.name)
    await waitFor(() => api.waiting === 1, 'the request')
    gone.abort()
    expect(await left).toBe('AbortError')
    await waitFor(() => api.waiting === 0, 'its end')

    const waiting = read('wait=30')
    await waitFor(() => api.waiting === 1, 'the request')
    await engine.syncManager.addSyncEvent({ tenantId: 1, siteId: 7 }, 'File', 1, 'Create')
    const response = await waiting
    expect([response.status, response.headers.get('cache-control')]).toEqual([200, 'no-store'])
    expect(((await response.json()) as PulledMessages).messages).toHaveLength(1)
    expect((await read('after=x')).status).toBe(400)
    const head = await read('', { method: 'HEAD' })
    expect([head.status, await head.text()]).toEqual([200, ''])
    expect((await fetch(url)).status).toBe(401)
  },
)
