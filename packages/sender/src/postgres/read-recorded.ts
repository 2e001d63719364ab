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
import { keysOf } from './stored-values.ts'

/**
 * Creates what reads, in the transaction that stores results, what of them the host is to hear of. Only
 * for results under leases that are known to be held.
 */
export function createRecordedReader(names: TableNames) {
  const { columns, read } = endpointReader({ sql: sqlDialectOf('postgres'), names })
  const held = `select ${columns} from ${names.endpoint} e
    where e.deleted_on is null and e.key = any(${keysOf('$1')})`
  const exhausted = `select ${DELIVERY_COLUMNS}
    from json_to_recordset($1::text::json) as r(endpoint_key bigint, message_key bigint)
    join ${names.delivery} d on d.message_key = r.message_key and d.endpoint_key = r.endpoint_key
    join ${names.endpoint} e on e.key = d.endpoint_key ${messageJoins(names)}
    where d.state = 'exhausted' order by d.message_key, d.endpoint_key`

  return async (trx: SqlExecutor, results: readonly AttemptResult[]): Promise<RecordedResults> => {
    const news = results.filter(({ notice, state }) => notice !== null || state === 'exhausted')
    const ended = news
      .filter(({ state }) => state === 'exhausted')
      .map(({ endpointKey, messageKey }) => ({ endpoint_key: endpointKey, message_key: messageKey }))
    const endpoints = await read(trx, held, [JSON.stringify(news.map(({ endpointKey }) => endpointKey))])
    const deliveries =
      ended.length === 0 ? [] : await readRows(trx, deliveryColumns, exhausted, [JSON.stringify(ended)])
    return {
      endpoints: new Map(endpoints.map((row) => [row.key, row])),
      notices: news.flatMap(({ endpointKey, notice }) => (notice ? [{ endpointKey, notice }] : [])),
      exhausted: deliveries.map(deliveryRowOf),
    }
  }
}
