// npm run bench            all suites
// npm run bench -- engine  the suites whose names begin so
import { cpus } from 'node:os'
import process from 'node:process'
import { benchLarge } from './engine/large.ts'
import { benchRaise } from './engine/raise.ts'
import { benchRead } from './engine/read.ts'
import { benchWake } from './engine/wake.ts'
import { benchHostile } from './hostile/hostile.ts'
import { benchStreams } from './live/streams.ts'
import { benchPortal } from './portal/portal.ts'
import { benchInbox } from './receiver/inbox.ts'
import { benchVerifyAndParse, benchVerifyOnly } from './receiver/verify.ts'
import { benchBacklog } from './sender/backlog.ts'
import { benchFifo } from './sender/fifo.ts'
import { benchForm } from './sender/form.ts'
import { benchHanging } from './sender/hanging.ts'
import { benchHeldSnapshot } from './sender/held-snapshot.ts'
import { benchNeighbour } from './sender/neighbour.ts'
import { benchReceipt } from './sender/receipt.ts'
import { benchSequence } from './sender/sequence.ts'
import { benchSizing } from './sender/sizing.ts'
import { benchThroughput } from './sender/throughput.ts'
import type { Suite } from './suite.ts'

const suites: readonly Suite[] = [
  benchRaise,
  benchRead,
  benchLarge,
  benchWake,
  benchStreams,
  benchPortal,
  benchHostile,
  benchVerifyOnly,
  benchVerifyAndParse,
  benchInbox,
  benchThroughput,
  benchReceipt,
  benchHanging,
  benchNeighbour,
  benchBacklog,
  benchFifo,
  benchHeldSnapshot,
  benchSequence,
  benchForm,
  benchSizing,
]

const wanted = process.argv[2] ?? ''
const chosen = suites.filter(({ name }) => name.startsWith(wanted))
if (chosen.length === 0) {
  console.error(`No suite begins with ${wanted}; there are: ${suites.map(({ name }) => name).join(', ')}`)
  process.exit(2)
}

const date = new Date().toISOString().slice(0, 10)
console.log(`${date}, Node ${process.version}, ${cpus().length} cores (${cpus()[0]?.model.trim()})\n`)
for (const { name, title, run } of chosen) {
  console.log(`## ${name}: ${title}\n`)
  for (const line of await run()) console.log(line)
  console.log()
}
