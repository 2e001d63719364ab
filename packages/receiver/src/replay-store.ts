/** What a store knows of an id: nothing yet, being handled elsewhere, or handled. */
export type ReplayClaim = 'new' | 'in_progress' | 'done'

/**
 * Remembers which messages were handled, so that a delivery repeated by the sender (its answer was
 * lost) or by somebody who recorded it runs no handler again. Asked only about verified messages.
 *
 * Give each receiver a store, or each its scope: a sender uses one id for all of its endpoints.
 */
export interface ReplayStore {
  /**
   * Claims an id in one step: of two callers at once, one gets `new`. A claim lapses after a while, so
   * that a consumer that crashed does not keep its message from ever being handled.
   *
   * @param token - names this claim; unique to the call.
   */
  begin(id: string, token: string): ReplayClaim | Promise<ReplayClaim>
  /** The message was handled: `done` from now on. Without effect when the claim has passed to another. */
  complete(id: string, token: string): void | Promise<void>
  /**
   * The message was not handled: `new` again, so that the next attempt is. Without effect when the claim
   * has passed to another.
   */
  release(id: string, token: string): void | Promise<void>
}
