import { EventEngineError } from '../errors.ts'

/** Ends what is under way once another node, or a person, has taken the subscription. */
export function demandLease(name: string, held: boolean): void {
  if (!held) throw new EventEngineError('lease_lost', `The lease of subscription ${name} has ended.`)
}
