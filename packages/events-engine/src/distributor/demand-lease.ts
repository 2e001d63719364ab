import { EventEngineError } from '../errors.ts'

/** Whether something ended because the lease did, which is no failure of the subscriber's. */
export function isLeaseLost(error: unknown): boolean {
  return EventEngineError.is(error) && error.code === 'lease_lost'
}

/** Ends what is under way once another node, or a person, has taken the subscription. */
export function demandLease(name: string, held: boolean): void {
  if (!held) throw new EventEngineError('lease_lost', `The lease of subscription ${name} has ended.`)
}
