import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

// Not this host's library, nor anything else of it: another program with the same file.
const PROGRAM = `
  import { DatabaseSync } from 'node:sqlite'
  const [file, sql] = process.argv.slice(1)
  const database = new DatabaseSync(file, { timeout: 10_000 })
  database.exec(sql)
  database.close()
`

/**
 * Runs SQL on a host's database in a process of its own. In this one, a second connection that waits
 * for the host's would keep the host from ever going on.
 */
export async function runSqlElsewhere(dataDir: string, sql: string): Promise<void> {
  const node = ['--disable-warning=ExperimentalWarning', '--input-type=module', '--eval', PROGRAM]
  await run(process.execPath, [...node, join(dataDir, 'host.db'), sql])
}
