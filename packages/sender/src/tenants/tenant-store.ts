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
   * @returns how many.
   */
  purgeDeliveries(tenantId: number, limit: number): Promise<number>
  /** Deletes what is left of the endpoints, and their jobs. */
  purgeEndpoints(tenantId: number): Promise<number>
  /** @returns how many. */
  purgeStatistics(tenantId: number, limit: number): Promise<number>
}
