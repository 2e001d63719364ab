import { readRows, type SqlExecutor, sqlDialectOf } from '@x/events-engine/internal'
import type { AttemptResult, RecordedResults } from '../deliveries/attempt-result.ts'
import {
  DELIVERY_COLUMNS,
  deliveryColumns,
  deliveryRowOf,
  messageJoins,
} from '../deliveries/delivery-columns.ts'
import { endpointReader } from '../store/endpoints.ts'
import type { TableNames } from '../table-names.ts'

/** Creates what reads, in the transaction that stores results, what of them the host is to hear of. */
export function createRecordedReader(names: TableNames) {
  const { columns, read } = endpointReader({ sql: sqlDialectOf('sqlite'), names })
  const held = `select ${columns} from ${names.endpoint} e
    where e.deleted_on is null and e.key in (
      select q.endpoint_key from ${names.queue} q join json_each(?) r
        on q.endpoint_key = r.value ->> 0 and q.epoch = r.value ->> 1)`
  const exhausted = `select ${DELIVERY_COLUMNS} from json_each(?) r
    cross join ${names.delivery} d on d.message_key = r.value ->> 1 and d.endpoint_key = r.value ->> 0
    join ${names.endpoint} e on e.key = d.endpoint_key ${messageJoins(names)}
    where d.state = 'exhausted' order by d.message_key, d.endpoint_key`

  return async (trx: SqlExecutor, results: readonly AttemptResult[]): Promise<RecordedResults> => {
    const news = results.filter(({ notice, state }) => notice !== null || state === 'exhausted')
    const leases = JSON.stringify(news.map(({ endpointKey, epoch }) => [endpointKey, epoch]))
    const ended = news.filter(({ state }) => state === 'exhausted')
    const keys = JSON.stringify(ended.map(({ endpointKey, messageKey }) => [endpointKey, messageKey]))
    const endpoints = await read(trx, held, [leases])
    const deliveries = ended.length === 0 ? [] : await readRows(trx, deliveryColumns, exhausted, [keys])
    return {
      endpoints: new Map(endpoints.map((row) => [row.key, row])),
      notices: news.flatMap(({ endpointKey, notice }) => (notice ? [{ endpointKey, notice }] : [])),
      exhausted: deliveries.map(deliveryRowOf),
    }
  }
}
