/** Where the sender keeps its tables, as their names stand in SQL. */
export interface TableNames {
  /** What every name begins with; index names are made of it. */
  readonly prefix: string
  /** PostgreSQL only; undefined for the first schema of the search path. */
  readonly schema: string | undefined
  readonly endpoint: string
  readonly secret: string
  readonly certificate: string
  readonly sequence: string
  readonly apiKey: string
  readonly message: string
  readonly delivery: string
  readonly attempt: string
  readonly queue: string
  readonly revision: string
  readonly statistic: string
  readonly counter: string
  readonly reconciliation: string
  readonly job: string
  readonly usedToken: string
  readonly tokenEpoch: string
  readonly auditLog: string
  readonly alertSettings: string
  readonly alert: string
  /** A function, where a database has functions. */
  readonly recordOrdered: string
  /** The engine's log. */
  readonly syncEvent: string
}

/** The names under the engine's prefix, which the engine has checked: they enter SQL text as they are. */
export function tableNames(enginePrefix: string, schema: string | undefined): TableNames {
  const prefix = `${enginePrefix}webhook_`
  const qualified = (name: string) => `${schema === undefined ? '' : `${schema}.`}${prefix}${name}`
  return Object.freeze({
    prefix,
    schema,
    endpoint: qualified('endpoint'),
    secret: qualified('secret'),
    certificate: qualified('certificate'),
    sequence: qualified('sequence'),
    apiKey: qualified('api_key'),
    message: qualified('message'),
    delivery: qualified('delivery'),
    attempt: qualified('attempt'),
    queue: qualified('queue'),
    revision: qualified('revision'),
    statistic: qualified('statistic'),
    counter: qualified('counter'),
    reconciliation: qualified('reconciliation'),
    job: qualified('job'),
    usedToken: qualified('used_token'),
    tokenEpoch: qualified('token_epoch'),
    auditLog: qualified('audit_log'),
    alertSettings: qualified('alert_settings'),
    alert: qualified('alert'),
    recordOrdered: qualified('record_ordered'),
    syncEvent: `${schema === undefined ? '' : `${schema}.`}${enginePrefix}sync_event`,
  })
}
