import type { SqlExecutor } from '@x/events-engine/support'
import type { AddedDelivery } from './windows.ts'

/**
 * What jobs do to many deliveries of one endpoint, in a transaction that has written already, with the endpoint
 * locked.
 */
export interface BulkStore {
  /** Tells how an endpoint stands, and keeps it so until the transaction ends. */
  lockEndpoint(trx: SqlExecutor, endpointKey: number): Promise<'enabled' | 'disabled' | 'deleted'>
  /**
   * Makes deliveries due in their turn, and ends the endpoint's pause; those that had come to rest begin their
   * schedules anew. In a lane they wait for the one that is due there, and go before those that are younger.
   *
   * @returns how many.
   */
  resendIn(
    trx: SqlExecutor,
    endpointKey: number,
    messageKeys: readonly number[],
    now: number,
  ): Promise<number>
  /** @returns how many of them were pending. */
  cancelIn(
    trx: SqlExecutor,
    endpointKey: number,
    messageKeys: readonly number[],
    now: number,
  ): Promise<number>
  addDeliveries(
    trx: SqlExecutor,
    endpointKey: number,
    deliveries: readonly AddedDelivery[],
    now: number,
  ): Promise<void>
}
