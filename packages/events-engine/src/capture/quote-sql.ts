import type { Dialect } from '../sql/database.ts'

/** A name as it stands in SQL, whatever it consists of. */
export function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

/**
 * A text as it stands in SQL.
 *
 * Backslashes mean something in PostgreSQL where `standard_conforming_strings` is off, so a text that
 * has some is written in the form in which they always do.
 */
export function quoteText(text: string, dialect: Dialect): string {
  const quoted = `'${text.replaceAll("'", "''")}'`
  return dialect === 'postgres' && text.includes('\\') ? ` E${quoted.replaceAll('\\', '\\\\')}` : quoted
}
