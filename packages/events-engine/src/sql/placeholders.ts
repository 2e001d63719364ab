import type { Dialect } from './database.ts'

/** Writes the placeholders of a statement, given as `?`, as a dialect wants them. */
export function withPlaceholders(dialect: Dialect, statement: string): string {
  if (dialect === 'sqlite') return statement
  let number = 0
  return statement.replaceAll('?', () => `$${++number}`)
}
