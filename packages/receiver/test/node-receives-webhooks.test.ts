import type { RequestListener } from 'node:http'
import { webhook } from '../src/node.ts'
import { adapterContract, type StartServer } from './adapter-contract.ts'
import { serve } from './socket.ts'

const readFirst: StartServer = (receiver) => {
  const hook = webhook(receiver)
  const listener: RequestListener = async (request, response) => {
    for await (const _ of request); // as a logger of bodies would
    await hook(request, response)
  }
  return serve(listener)
}

adapterContract('webhook(receiver) of node:http', {
  start: (receiver) => serve(webhook(receiver)),
  consumed: { 'behind what reads the body': readFirst },
})
