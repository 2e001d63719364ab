import process from 'node:process'
import { EventsError } from '@x/events-core'

/** The oldest version that undici and the syntax in use need; `engines` in the packages says the same. */
const OLDEST = { major: 22, minor: 19 }

/**
 * Asserts the version of Node.js. An older one would fail inside of a dependency, with an error that does not say why.
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
