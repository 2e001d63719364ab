import { type Suite, table } from '../suite.ts'
import { consumerInputs } from './consumers.ts'
import { endpointInputs } from './endpoints.ts'
import { openHostileHost } from './hosts.ts'
import { type HostileInput, measure } from './measure.ts'
import { receiverInputs } from './receivers.ts'
import { requestInputs } from './requests.ts'
import { schemaInputs } from './schemas.ts'

const MAX_BLOCK_MS = 50
const MAX_BYTES = 4_000_000

/** What one input can do to a host, against what it may do. */
export const benchHostile: Suite = {
  name: 'hostile',
  title: 'the longest block of the event loop, and the memory taken, of one input',
  async run() {
    await using host = await openHostileHost()
    await using stack = new AsyncDisposableStack()
    const inputs: HostileInput[] = [
      ...schemaInputs(host),
      ...requestInputs(host),
      ...endpointInputs(host),
      ...(await consumerInputs(host, stack)),
      ...receiverInputs(),
    ]
    const rows: string[][] = []
    for (const { what, run } of inputs) {
      const { blockMs, bytes } = await measure(run)
      rows.push([
        what,
        `${blockMs.toFixed(1)}${blockMs > MAX_BLOCK_MS ? ' (!)' : ''}`,
        `${(bytes / 1_000_000).toFixed(1)}${bytes > MAX_BYTES ? ' (!)' : ''}`,
      ])
    }
    return [
      ...table(
        [
          'input',
          `block, ms of the processor's (at most ${MAX_BLOCK_MS})`,
          `memory, MB (at most ${MAX_BYTES / 1_000_000})`,
        ],
        rows,
      ),
    ]
  },
}
