const UNDEFINED_TABLE = '42P01'
const MAX_DEPTH = 5

/** Whether PostgreSQL has said that a table is missing, however a library has wrapped its error. */
export function isUndefinedTable(error: unknown, depth = 0): boolean {
  if (typeof error !== 'object' || error === null || depth > MAX_DEPTH) return false
  const { code, originalCode, cause, meta, driverAdapterError } = error as Record<string, unknown>
  if (code === UNDEFINED_TABLE || originalCode === UNDEFINED_TABLE) return true
  // pg and Knex throw the error itself, Drizzle one with a cause; Prisma hides it in its meta data.
  return [cause, meta, driverAdapterError].some((inner) => isUndefinedTable(inner, depth + 1))
}
