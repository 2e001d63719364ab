// A consumer that receives the messages whose ids it reads from its standard input, and prints its answers.
// Arguments: the number of its library in hosts.ts, the database, the secret, and where to stop for ever: '',
// 'before commit', or 'before answer'.
import { createInterface } from 'node:readline'
import { createReceiver } from '../../../src/index.ts'
import { signedRequest } from '../../../src/testing.ts'
import { hosts } from '../hosts/hosts.ts'

const [kind = '', target = '', secret = '', stop = ''] = process.argv.slice(2)
const connect = await hosts[Number(kind)]?.load()
if (!connect) throw new Error(`no library ${kind}`)
const host = connect(target)
const tell = (line: string) => process.stdout.write(`${line}\n`)

const receiver = createReceiver({ secrets: secret, inbox: host.inbox() })
receiver.on('*', (event, { trx }) => {
  const written = host.write(trx, event.id)
  if (stop !== 'before commit') return written
  if (hosts[Number(kind)]?.isSync) {
    tell('written')
    // Nothing else runs from here on: a synchronous transaction is not left by waiting.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
  }
  return Promise.resolve(written).then(() => {
    tell('written')
    return new Promise(() => {})
  })
})
receiver.onError((error) => process.stderr.write(`${error}\n`))

// Whoever started this process has gone: so does it.
process.stdin.on('end', () => process.exit())
for await (const id of createInterface(process.stdin)) {
  const body = { type: 'Order.Create', timestamp: new Date().toISOString(), data: {} }
  receiver.handle(signedRequest({ secret, id, body })).then(({ status }) => {
    tell(stop === 'before answer' ? 'committed' : `${id} ${status}`)
  })
}
