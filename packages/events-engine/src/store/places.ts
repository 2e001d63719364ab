import { integer } from '../sql/columns.ts'
import { type Parameter, readRows, type Statement } from '../sql/database.ts'
import type { LogContext } from './context.ts'
import { raisedOn } from './event-row.ts'

/** Where an event stands in the log, and when it was raised. */
interface Place {
  readonly sequence: number
  readonly modifiedOn: number
}

/** Finds places in the log by time, which has no index: sequences ascend with time, all but a little. */
export interface LogPlaces {
  /** The oldest event that is kept. */
  oldest(): Promise<Place | undefined>
  newest(): Promise<Place | undefined>
  /** The first sequence of a time, by bisection; one more than the last where there is none. */
  firstOf(time: number, last: number): Promise<number>
}

/** The clocks of nodes differ, so that the sequences of a minute's events may not be in the order of their times. */
export const DISORDER_MS = 60_000

const placedColumns = { seq: integer, modified_on: integer }

export function createLogPlaces({ db, sql, names }: LogContext): LogPlaces {
  const { statement } = sql
  const place = `select e.seq, ${raisedOn(sql)} from ${names.syncEvent} e`
  const first = statement(`${place} order by e.seq limit 1`)
  const last = statement(`${place} order by e.seq desc limit 1`)
  const from = statement(`${place} where e.seq >= $1 order by e.seq limit 1`)

  async function readPlace(
    query: Statement,
    parameters: readonly Parameter[] = [],
  ): Promise<Place | undefined> {
    const [row] = await readRows(db, placedColumns, query, parameters)
    return row && { sequence: row.seq, modifiedOn: row.modified_on }
  }

  return {
    oldest: () => readPlace(first),
    newest: () => readPlace(last),
    async firstOf(time, end) {
      let low = (await readPlace(first))?.sequence ?? end + 1
      let high = end + 1
      while (low < high) {
        const middle = Math.floor((low + high) / 2)
        const found = await readPlace(from, [middle])
        if (found && found.sequence < high && found.modifiedOn < time) low = found.sequence + 1
        else high = middle
      }
      return low
    },
  }
}
