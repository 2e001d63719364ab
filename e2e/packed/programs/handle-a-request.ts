// Web standards only, so that it runs in Node and, bundled, wherever there are Request and Response.
import { createReceiver, generateSecret } from '@x/receiver'
import { signedRequest } from '@x/receiver/testing'

const secret = generateSecret()
const receiver = createReceiver({ secrets: secret })
const types: string[] = []
receiver.on('File.*', (event) => {
  types.push(event.type)
})

const body = { type: 'File.Create', timestamp: new Date().toISOString(), data: {} }
const accepted = await receiver.handle(signedRequest({ secret, body }))
const refused = await receiver.handle(signedRequest({ secret: generateSecret(), body }))
if (!accepted.ok || refused.ok || types.join() !== 'File.Create') {
  throw new Error(`answered ${accepted.status} and ${refused.status}, handled ${types}`)
}
