import { AsyncLocalStorage } from 'node:async_hooks'
import { type TestAPI, type TestContext, it as vitestIt } from 'vitest'

export type TestDialect = 'sqlite' | 'postgres'

const current = new AsyncLocalStorage<TestDialect>()

/** The database that the test under way is to use. */
export function testDialect(): TestDialect {
  return current.getStore() ?? 'sqlite'
}

/** Runs a test whose host is opened on PostgreSQL. */
export function onPostgres<TResult>(test: () => TResult): TResult {
  return current.run('postgres', test)
}

function onEachDatabase(define: (dialect: TestDialect, suffix: string) => void): void {
  for (const dialect of ['sqlite', 'postgres'] as const) define(dialect, ` (${dialect})`)
}

/** Vitest's `it`, for tests whose host is opened on SQLite first, and then on PostgreSQL. */
export interface EachDatabaseTest {
  (name: string, test: (context: TestContext) => unknown, timeoutMs?: number): void
  readonly each: TestAPI['each']
}

function each(cases: readonly unknown[]) {
  return (name: string, test: (...values: unknown[]) => unknown, timeoutMs?: number): void =>
    onEachDatabase((dialect, suffix) =>
      vitestIt.each(cases)(
        name + suffix,
        (...values) => current.run(dialect, () => test(...values)) as Promise<void>,
        timeoutMs,
      ),
    )
}

export const it: EachDatabaseTest = Object.assign(
  (name: string, test: (context: TestContext) => unknown, timeoutMs?: number): void =>
    onEachDatabase((dialect, suffix) =>
      vitestIt(
        name + suffix,
        (context) => current.run(dialect, () => test(context)) as Promise<void>,
        timeoutMs,
      ),
    ),
  { each: each as TestAPI['each'] },
)
