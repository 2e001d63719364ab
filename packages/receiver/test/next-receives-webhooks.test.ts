import type { IncomingMessage, ServerResponse } from 'node:http'
import type { NextApiHandler } from 'next'
import { apiResolver } from 'next/dist/server/api-utils/node/api-resolver.js'
import { NodeNextRequest, NodeNextResponse } from 'next/dist/server/base-http/node.js'
import { sendResponse } from 'next/dist/server/send-response.js'
import {
  NextRequestAdapter,
  signalFromNodeResponse,
} from 'next/dist/server/web/spec-extension/adapters/next-request.js'
import type { NextRequest } from 'next/server.js'
import { type MountedReceiver, webhook } from '../src/next.ts'
import { webhook as nodeWebhook } from '../src/node.ts'
import { adapterContract, type StartServer } from './adapter-contract.ts'
import { serve } from './socket.ts'

// What Next.js does around the exports of a route, with its own parts and without a build.
const appRouter =
  (route: (receiver: MountedReceiver) => (request: NextRequest) => Promise<Response>): StartServer =>
  (receiver) => {
    const POST = route(receiver)
    return serve(async (incoming: IncomingMessage, outgoing: ServerResponse) => {
      const [request, response] = [new NodeNextRequest(incoming), new NodeNextResponse(outgoing)]
      const signal = signalFromNodeResponse(outgoing)
      const answer = await POST(NextRequestAdapter.fromNodeNextRequest(request, signal))
      await sendResponse(request, response, answer)
    })
  }

const pagesRouter =
  (config: object): StartServer =>
  (receiver) => {
    const route: { default: NextApiHandler } = { default: nodeWebhook(receiver), ...config }
    const context = { dev: false, previewModeId: '', previewModeEncryptionKey: '', previewModeSigningKey: '' }
    return serve((request, response) => apiResolver(request, response, {}, route, context, false))
  }

adapterContract('webhook(receiver) of the app router of Next.js', {
  start: appRouter(webhook),
  consumed: {
    'behind request.json()': appRouter((receiver) => async (request) => {
      await request.json()
      return webhook(receiver)(request)
    }),
  },
})

adapterContract('webhook(receiver) of node:http in the pages router of Next.js', {
  start: pagesRouter({ config: { api: { bodyParser: false } } }),
  consumed: { 'with its body parser': pagesRouter({}) },
})
