import { createReceiver, generateSecret } from '@x/receiver'
import { signedHeaders } from '@x/receiver/testing'
import type { HostileInput } from './measure.ts'

const secret = generateSecret()
const receiver = createReceiver({ secrets: secret })
const SIGNATURE = `v1,${'A'.repeat(42)}A=`

/** What anybody can send to a consumer that uses the receiver, signed or not. */
export function receiverInputs(): HostileInput[] {
  const post = (what: string, body: string, headers: Readonly<Record<string, string>>) => ({
    what: `receiver: ${what}`,
    run: () =>
      receiver.handle(new Request('https://consumer.example/hook', { method: 'POST', headers, body })),
  })
  const unsigned = { 'webhook-id': 'msg_1', 'webhook-timestamp': String(Math.floor(Date.now() / 1_000)) }
  const signed = (body: string) => signedHeaders({ secret, body })
  const deep = `{"type":"A.B","timestamp":"2026-01-01T00:00:00Z","data":${'['.repeat(250_000)}${']'.repeat(250_000)}}`
  const wide = `{"type":"A.B","data":{${Array.from({ length: 60_000 }, (_, i) => `"k${i}":1`).join()}}}`
  return [
    post('10,000 signatures', '{}', {
      ...unsigned,
      'webhook-signature': Array.from({ length: 10_000 }, () => SIGNATURE).join(' '),
    }),
    post('a signature of 1 MB', '{}', { ...unsigned, 'webhook-signature': `v1,${'A'.repeat(1_000_000)}` }),
    post('an id of 1 MB', '{}', {
      ...unsigned,
      'webhook-id': 'm'.repeat(1_000_000),
      'webhook-signature': SIGNATURE,
    }),
    post('a timestamp of 1 MB', '{}', {
      ...unsigned,
      'webhook-timestamp': '1'.repeat(1_000_000),
      'webhook-signature': SIGNATURE,
    }),
    post('2,000 headers', '{}', {
      ...unsigned,
      ...Object.fromEntries(Array.from({ length: 2_000 }, (_, i) => [`x-${i}`, 'v'])),
      'webhook-signature': SIGNATURE,
    }),
    post('1 MB that nobody has signed', 'x'.repeat(1_048_576), {
      ...unsigned,
      'webhook-signature': SIGNATURE,
    }),
    post('10 MB that nobody has signed', 'x'.repeat(10_000_000), {
      ...unsigned,
      'webhook-signature': SIGNATURE,
    }),
    post('a signed body 250,000 lists deep', deep, signed(deep)),
    post('a signed body of 60,000 members', wide, signed(wide)),
  ]
}
