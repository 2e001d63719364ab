import process from 'node:process'
import { EventsError } from '@x/events-core'

/** The oldest that undici, and what is used of the language, runs on; `engines` of the host's packages say the same. */
const OLDEST = { major: 22, minor: 19 }

/**
 * Says in one sentence what an older Node.js would say in riddles, from inside of a dependency.
 *
 * @throws EventsError `unsupported_node`
 */
export function assertNodeVersion(version: string = process.versions.node): void {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  if (major > OLDEST.major || (major === OLDEST.major && minor >= OLDEST.minor)) return
  throw new EventsError(
    'unsupported_node',
    `@x/events-engine, @x/sender and @x/portal need Node.js ${OLDEST.major}.${OLDEST.minor} or newer; this is ${version}. Install a newer Node.js: https://nodejs.org`,
  )
}
