import { EntityConflictError } from '../domain/errors.ts'

const UNIQUE = ['SQLITE_CONSTRAINT_UNIQUE', 'SQLITE_CONSTRAINT_PRIMARYKEY', '23505']
const FOREIGN_KEY = ['SQLITE_CONSTRAINT_FOREIGNKEY', '23503']

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : ''
}

/**
 * Does work that the database may refuse, and says what that means to the caller.
 *
 * @param messages - `taken` when a unique value exists already, `used` when something refers to what
 *   was to be deleted.
 * @throws EntityConflictError instead of the database's own error.
 */
export async function explainConflicts<TResult>(
  messages: { readonly taken?: string; readonly used?: string },
  work: () => Promise<TResult>,
): Promise<TResult> {
  try {
    return await work()
  } catch (cause) {
    const code = codeOf(cause)
    if (messages.taken && UNIQUE.includes(code)) throw new EntityConflictError(messages.taken, { cause })
    if (messages.used && FOREIGN_KEY.includes(code)) throw new EntityConflictError(messages.used, { cause })
    throw cause
  }
}
