// npm run soak          the tests of what promises to lose nothing, again and again, for ten minutes
// npm run soak -- 60    for an hour
// What they kill, cut and stop meets another moment each time; one failure ends it.
import process from 'node:process'
import { forwardSignals, runChild } from './setup/child-process.mjs'

const tests = [
  'events-engine/test/connections',
  'events-engine/test/distribute/a-frozen-host-changes-nothing-any-more',
  'events-engine/test/distribute/a-lost-commit-answer-changes-nothing',
  'events-engine/test/distribute/stopping-in-mid-work-loses-nothing',
  'events-engine/test/distribute/three-hosts-die-at-random',
  'events-engine/test/log/a-killed-host-loses-nothing',
  'events-engine/test/log/a-restored-log-loses-nothing',
  'events-engine/test/purge',
  'receiver/test/inbox/a-killed-consumer-loses-and-doubles-nothing',
  'sender/test/alerts/a-killed-host-tells-everything',
  'sender/test/bulk/jobs-go-on-until-they-are-done',
  'sender/test/connections',
  'sender/test/crashes',
  'sender/test/events-api/a-killed-host-hides-nothing',
  'sender/test/fairness',
  'sender/test/manual-attempts',
  'sender/test/nodes/three-nodes-share-the-work',
  'sender/test/store/one-does-not-undo-what-another-does',
  'sender/test/store/what-is-due-is-in-the-queue',
  'sender/test/straight',
  'sender/test/tenants',
  'e2e/bank',
]

const [asked = '10'] = process.argv.slice(2)
const minutes = Number(asked)
if (!(minutes > 0)) {
  console.error(`usage: npm run soak -- [minutes], a number above 0; this is none: ${asked}`)
  process.exit(2)
}

forwardSignals()
const end = Date.now() + minutes * 60_000
const args = ['node_modules/vitest/vitest.mjs', 'run', '--project', 'packages', '--project', 'bank', ...tests]
// The banks meet many faults in a row.
process.env['BANK_FAULTS'] ??= '30'
for (let round = 1; Date.now() < end; round++) {
  const startedAt = Date.now()
  const { code, output } = await runChild(process.execPath, args)
  console.log(
    `round ${round}: ${code === 0 ? 'ok' : 'FAILED'}, ${Math.round((Date.now() - startedAt) / 1000)} s`,
  )
  for (const line of output.split('\n').filter((text) => text.startsWith('bank:'))) console.log(line)
  if (code !== 0) {
    console.error(output)
    process.exit(1)
  }
}
