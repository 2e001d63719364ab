import { EventEngineError, shown } from '../errors.ts'

/** Where the engine keeps its tables, as their names stand in SQL. */
export interface TableNames {
  /** What every name begins with; index names are made of it. */
  readonly prefix: string
  /** PostgreSQL only; undefined for the first schema of the search path. */
  readonly schema: string | undefined
  readonly syncEvent: string
  readonly subscription: string
  readonly parkedEvent: string
  /** One row: which version the tables have, and which log this is. */
  readonly logState: string
}

/** What the names of the tables begin with, unless the host says otherwise. */
export const DEFAULT_TABLE_PREFIX = 'xe_'

const IDENTIFIER = /^[a-z_][a-z0-9_]{0,30}$/

/** The names under a prefix; they enter SQL text as they are, so their parts are checked here, once. */
export function tableNames(prefix: string, schema: string | undefined): TableNames {
  demandIdentifier('tablePrefix', prefix)
  if (schema !== undefined) demandIdentifier('schema', schema)
  const qualified = (name: string) => `${schema === undefined ? '' : `${schema}.`}${prefix}${name}`
  return Object.freeze({
    prefix,
    schema,
    syncEvent: qualified('sync_event'),
    subscription: qualified('subscription'),
    parkedEvent: qualified('parked_event'),
    logState: qualified('log_state'),
  })
}

function demandIdentifier(option: string, value: string): void {
  if (typeof value === 'string' && IDENTIFIER.test(value)) return
  throw new EventEngineError(
    'invalid_option',
    `createEventEngine: options.${option} must be lower-case letters, digits and underscores, at most 31; got ${shown(value)}.`,
  )
}
