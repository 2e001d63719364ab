import type { Receiver } from './create-receiver.ts'

/** What an adapter needs of a receiver, whichever events it knows. */
export type MountedReceiver = Pick<Receiver, 'receive' | 'handle'>
