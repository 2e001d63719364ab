/** What can be sent again. */
export type What = 'failed' | 'unsuccessful' | 'missing' | 'all'

interface Choice {
  readonly title: string
  readonly hint: string
  /** The route, and what it is asked for. */
  readonly path: 'recover' | 'replay'
  readonly include?: What
}

export const WHAT: Readonly<Record<What, Choice>> = {
  failed: {
    title: 'What has failed for good',
    hint: 'Deliveries whose last attempt has failed.',
    path: 'recover',
  },
  unsuccessful: {
    title: 'Everything that it has not got',
    hint: 'Failed, cancelled, or never tried: also what happened while it was disabled.',
    path: 'replay',
    include: 'unsuccessful',
  },
  missing: {
    title: 'What it was never to get',
    hint: 'What happened before it was there, while it was disabled, or before it wanted such events.',
    path: 'replay',
    include: 'missing',
  },
  all: {
    title: 'Everything, once more',
    hint: 'Also what it has got: its receiver has to stand seeing an event twice.',
    path: 'replay',
    include: 'all',
  },
}
