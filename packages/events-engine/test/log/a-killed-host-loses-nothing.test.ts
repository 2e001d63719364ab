import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { temporaryFolder, waitFor } from '@x/testkit'
import Database from 'better-sqlite3'
import { expect, it } from 'vitest'

const program = fileURLToPath(new URL('../processes/raising-host.ts', import.meta.url))
const ROUNDS = 4

function startHost(file: string, handledFile: string, count: number) {
  const args = ['--conditions=@x/source', program, file, handledFile, String(count)]
  return spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
}

it('handles every committed event, and no other, although the host is killed again and again', async () => {
  await using folder = await temporaryFolder()
  const file = join(folder.path, 'host.db')
  const handledFile = join(folder.path, 'handled')
  const handledIds = () =>
    existsSync(handledFile) ? readFileSync(handledFile, 'utf8').trim().split('\n') : []

  for (let round = 1; round <= ROUNDS; round++) {
    const before = handledIds().length
    const host = startHost(file, handledFile, 100_000)
    try {
      await waitFor(() => handledIds().length > before + 150 * round, 'some events to be handled')
    } finally {
      host.kill('SIGKILL')
    }
    await once(host, 'exit')
  }

  const committed = () => {
    const database = new Database(file, { readonly: true })
    const ids = (table: string, column: string) =>
      database.prepare(`select ${column} from ${table} order by 1`).pluck().all() as string[]
    const found = { changes: ids('change', 'event_id'), events: ids('xe_sync_event', 'id') }
    database.close()
    return found
  }
  const last = startHost(file, handledFile, 0)
  try {
    await waitFor(() => {
      const handled = new Set(handledIds())
      return committed().events.every((id) => handled.has(id))
    }, 'every committed event to be handled')
  } finally {
    last.kill('SIGKILL')
  }
  await once(last, 'exit')

  const { changes, events } = committed()
  const handled = handledIds()
  expect(events, 'an event is committed exactly with its change').toEqual(changes)
  expect(new Set(handled), 'nothing was handled that was rolled back').toEqual(new Set(events))
  // A save of the position is begun after 100 events at the latest, and takes a moment.
  expect(handled.length - events.length, 'repeated events').toBeLessThanOrEqual(ROUNDS * 500)
})
