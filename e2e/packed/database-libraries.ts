// The guide of other database libraries as one program, in a folder where the packed packages are installed.
import { copyFile, mkdtemp, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import process from 'node:process'
import { postgresDatabase } from '@x/testkit/postgres'
import { blocksOfPage } from '../../scripts/code-blocks.ts'
import { runChild } from '../../scripts/setup/child-process.mjs'
import { root } from '../../scripts/setup/paths.mjs'

const blocks = blocksOfPage(join(root, 'docs', 'guides', 'other-database-libraries.md'))
const using = (name: string) => blocks.find(({ code }) => code.includes(name))?.code ?? `missing: ${name}`

const program = [
  using('await engine.start()'),
  using('fromPg(client)'),
  using('fromDrizzle(tx)'),
  using('fromKnex(trx)'),
  // Prisma generates its client; this one has the schema of the guide.
  "import { createPrismaClient } from './prisma-client.ts'",
  "const prisma = createPrismaClient(process.env.DATABASE_URL ?? '')",
  using('fromPrisma(tx)'),
  'await Promise.all([engine.stop(), builder.destroy(), prisma.$disconnect()])',
  'await pool.end()',
].join('\n')

/** Raises an event with each library; answers how the program has ended, and how many events there are. */
export async function raiseWithEachLibrary(
  node: string,
  consumer: string,
): Promise<{ readonly code: number; readonly output: string; readonly events: number }> {
  const folder = await mkdtemp(join(consumer, 'libraries-'))
  await writeFile(join(folder, 'raise.ts'), program)
  const client = 'packages/events-engine/test/foreign-hosts/prisma-client.ts'
  await copyFile(join(root, client), join(folder, 'prisma-client.ts'))
  await using database = await postgresDatabase<object>()
  // Prisma's client calls the column as its model does.
  await database.pool.query(`create table page (page_id integer primary key, name text not null,
    "pageId" integer generated always as (page_id) stored unique)`)
  await database.pool.query(`insert into page (page_id, name) values (3, 'Start')`)
  const env = { ...process.env, NODE_OPTIONS: '', DATABASE_URL: database.url }
  const { code, output } = await runChild(node, ['raise.ts'], { cwd: folder, env })
  const { rows } = await database.pool.query('select count(*)::int as events from xe_sync_event')
  return { code, output, events: rows[0].events }
}
