import type { ReceivedRequest } from '@x/testkit'

/** The message that a request is of. */
export const idOf = ({ headers }: ReceivedRequest): string => String(headers['webhook-id'])

/** An order as it was meant: what was sent again at once is left out. */
export const withoutRepeats = <TId>(ids: readonly TId[]): readonly TId[] =>
  ids.filter((id, index) => id !== ids[index - 1])
