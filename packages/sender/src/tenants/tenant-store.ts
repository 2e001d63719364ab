/** What one batch has deleted. */
export interface PurgedMessages {
  /** Deliveries, with their attempts. */
  readonly deliveries: number
  /** The key to go on after; undefined at the end. */
  readonly last: number | undefined
}

/** How a tenant is taken away, bit by bit. */
export interface TenantStore {
  /**
   * Deletes the tenant's endpoints, as one by one: from then on nothing is sent to them, and what comes of
   * attempts under way is not recorded.
   *
   * @returns their keys, those deleted before included.
   */
  closeTenant(tenantId: number, now: number): Promise<number[]>
  /**
   * Deletes some of the deliveries, with their attempts, and messages that nobody else has.
   *
   * @returns how many; 0 only where none is left.
   */
  purgeDeliveries(tenantId: number, limit: number): Promise<number>
  /** Deletes the tenant's messages among the next ones, and whatever deliveries there are of them. */
  purgeMessages(tenantId: number, after: number, limit: number): Promise<PurgedMessages>
  /** Deletes what is left of the endpoints, and their jobs. */
  purgeEndpoints(tenantId: number): Promise<number>
  /** @returns how many. */
  purgeStatistics(tenantId: number, limit: number): Promise<number>
}
