import type { Dialect } from '../sql/database.ts'
import type { CaptureDialect } from './capture-dialect.ts'
import { postgresCapture } from './postgres-capture.ts'
import { sqliteCapture } from './sqlite-capture.ts'

const DIALECTS: Readonly<Record<Dialect, CaptureDialect>> = {
  sqlite: sqliteCapture,
  postgres: postgresCapture,
}

/** How a database captures tables. */
export function captureDialectOf(name: Dialect): CaptureDialect {
  return DIALECTS[name]
}
