import * as web from '../src/index.ts'
import * as node from '../src/index-node.ts'

/** Both faces of the package, for one suite. What the first answers at once, the second promises. */
export const builds = [
  { build: 'Node', ...node },
  { build: 'WebCrypto', ...web },
  {
    build: 'plain JavaScript',
    ...web,
    createSigner: web.createSyncSigner,
    createVerifier: web.createSyncVerifier,
  },
] as const

/** Those that know ed25519. */
export const ed25519Builds = [builds[0], builds[1]] as const

/** A clock that stands still. */
export const clockAt = (seconds: number) => ({ now: () => seconds * 1000, schedule: () => () => {} })
