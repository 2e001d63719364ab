import { refuseUnless } from '../invalid-option.ts'

/** The versions that payloads are rendered in. */
export interface PayloadVersions {
  /** The oldest first; none where there is one form for all. */
  readonly names: readonly string[]
  /** What a new endpoint gets that names none; null where there are none. */
  readonly initial: string | null
  /** What an endpoint gets. One from before there were versions, or of a version that is gone, gets the oldest. */
  of(stored: string | null): string | null
}

const NAME = /^[A-Za-z0-9][\w.-]{0,49}$/
const MAX_VERSIONS = 50

/** @throws WebhookSenderError `invalid_option` */
export function readPayloadVersions(
  names: readonly string[] = [],
  initial: string | undefined = names.at(-1),
): PayloadVersions {
  const areNames =
    Array.isArray(names) &&
    names.length <= MAX_VERSIONS &&
    new Set(names).size === names.length &&
    names.every((name) => typeof name === 'string' && NAME.test(name))
  refuseUnless(
    areNames,
    'payloadVersions',
    `a list of at most ${MAX_VERSIONS} different names of letters, digits and _.-, the oldest first`,
    names,
  )
  refuseUnless(
    initial === undefined || names.includes(initial),
    'defaultPayloadVersion',
    'one of options.payloadVersions',
    initial,
  )
  return Object.freeze({
    names: Object.freeze([...names]),
    initial: initial ?? null,
    of: (stored: string | null) => (stored !== null && names.includes(stored) ? stored : (names[0] ?? null)),
  })
}
