import { AsyncLocalStorage } from 'node:async_hooks'
import { type TestContext, it as vitestIt } from 'vitest'

type TestDialect = 'sqlite' | 'postgres'

const current = new AsyncLocalStorage<TestDialect>()

/** The database that the test under way is to use. */
export function testDialect(): TestDialect {
  return current.getStore() ?? 'sqlite'
}

/** Vitest's `it`, for tests whose host is opened on SQLite first, and then on PostgreSQL. */
export function onEachDatabase(name: string, test: (context: TestContext) => Promise<void>): void {
  for (const dialect of ['sqlite', 'postgres'] as const) {
    vitestIt(`${name} (${dialect})`, (context) => current.run(dialect, () => test(context)))
  }
}
