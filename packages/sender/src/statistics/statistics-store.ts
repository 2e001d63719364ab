import type { StatisticKey, StatisticRow } from './rollup.ts'

/** Whose statistics: an endpoint's, or where its key is 0 all of the tenant's. */
export type StatisticsOwner = Pick<StatisticKey, 'tenantId' | 'endpointKey'>

/** Which statistics to read. */
export interface StatisticsRange extends StatisticsOwner {
  readonly since: number
  readonly until: number
}

/** Counts of attempts over time, as they are stored. */
export interface StatisticsStore {
  /**
   * Adds some of what `recordAttempts` has counted to the minutes of its endpoints.
   *
   * @returns whether there may be more.
   */
  foldTallies(limit: number): Promise<boolean>
  readStatistics(range: StatisticsRange): Promise<StatisticRow[]>
  /** Whose statistics come next, in the order of tenants and endpoints. */
  nextStatistics(after: StatisticsOwner): Promise<StatisticsOwner | undefined>
  /** Makes hours of minutes from before one time, and drops what is from before another. */
  tidyStatistics(
    owner: StatisticsOwner,
    ages: { readonly hoursBefore: number; readonly dropBefore: number; readonly now: number },
  ): Promise<void>
}
