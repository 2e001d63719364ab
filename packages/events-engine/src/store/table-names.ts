import type { Assertion } from '@x/events-core'
import { createOptionAssertion } from '../util/assert.ts'

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

const assertOption: Assertion = createOptionAssertion('createEventEngine')

const IDENTIFIER = /^[a-z_][a-z0-9_]{0,30}$/

/** The names under a prefix; they enter SQL text as they are, so their parts are checked here, once. */
export function tableNames(prefix: string, schema: string | undefined): TableNames {
  assertIdentifier('tablePrefix', prefix)
  if (schema !== undefined) assertIdentifier('schema', schema)
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

function assertIdentifier(option: string, value: string): void {
  const fits = typeof value === 'string' && IDENTIFIER.test(value)
  assertOption(fits, option, 'lower-case letters, digits and underscores, at most 31', value)
}
