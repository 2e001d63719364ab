import { randomUUID } from 'node:crypto'
import { startProcess, type TestProcess, waitFor } from '@x/testkit'
import { describe, expect, it } from 'vitest'
import { secret } from '../messages.ts'
import { type ConsumerDatabase, consumerDatabase } from './consumer-database.ts'
import { hosts } from './hosts/hosts.ts'

const program = new URL('./processes/receiving-consumer.ts', import.meta.url)
const MESSAGES = 150
const KILLS = 2

const kinds = hosts
  .map((kind, number) => ({ name: kind.name, kind, number }))
  .filter(({ name }) => !name.endsWith('postgres.js'))

describe.each(kinds)('$name', ({ kind, number }) => {
  const start = (database: ConsumerDatabase, stop = '') =>
    startProcess(program, String(number), database.target, secret, stop)

  async function told(consumer: TestProcess, line: string): Promise<void> {
    await waitFor(
      () => consumer.lines.includes(line) || consumer.ended,
      `the consumer to say ${line}`,
      120_000,
    )
    expect(consumer.lines, consumer.errors).toContain(line)
  }

  it('keeps both or neither, killed before the commit, and before the answer', async () => {
    await using database = await consumerDatabase(kind)

    async function killedOnce(line: string, stop: string): Promise<void> {
      await using consumer = start(database, stop)
      consumer.tell('evt_1')
      await told(consumer, line)
      await consumer.kill()
    }
    await killedOnce('written', 'before commit')
    expect([await database.effects(), await database.marks()]).toEqual([[], []])
    await killedOnce('committed', 'before answer')
    expect(await database.effects()).toEqual(['evt_1'])
    expect(await database.marks()).toMatchObject([{ id: 'evt_1' }])
    // The sender got no answer, and sends it again.
    await using next = start(database)
    next.tell('evt_1')
    await told(next, 'evt_1 200')
    expect(await database.effects()).toEqual(['evt_1'])
  }, 300_000)

  // The other libraries differ in nothing that more kills would show.
  if (!['Kysely on SQLite', 'Kysely on PostgreSQL'].includes(kind.name)) return

  it('has each effect once, although it is killed again and again and gets copies in parallel', async () => {
    await using database = await consumerDatabase(kind)
    const ids = Array.from({ length: MESSAGES }, () => `evt_${randomUUID()}`)
    const answered = new Set<string>()

    // Two processes get everything that was not answered, as two nodes behind a balancer do.
    async function deliver(killAfter: number): Promise<void> {
      const consumers = [start(database), start(database)]
      const note = () => {
        for (const { lines } of consumers) {
          for (const line of lines) {
            const [id = '', status] = line.split(' ')
            if (status === '200' || status === '204') answered.add(id)
          }
        }
        return answered.size
      }
      try {
        const open = ids.filter((id) => !answered.has(id))
        for (const id of open) for (const consumer of consumers) consumer.tell(id)
        await waitFor(
          () => note() >= Math.min(killAfter, MESSAGES) || consumers.every(isIdle(open.length)),
          'answers',
          60_000,
        )
      } finally {
        await Promise.all(consumers.map((consumer) => consumer.kill()))
        note()
      }
    }
    const isIdle = (count: number) => (consumer: TestProcess) =>
      consumer.ended !== undefined || consumer.lines.length >= count

    for (let kill = 1; kill <= KILLS; kill++) {
      await deliver(Math.floor((MESSAGES * kill) / (KILLS + 1)))
      const effects = await database.effects()
      // Committed together: no effect without its mark, no mark without its effect.
      expect(effects.toSorted()).toEqual((await database.marks()).map(({ id }) => id).toSorted())
    }
    // A busy file is a reason to send again.
    for (let round = 0; round < 20 && answered.size < MESSAGES; round++) await deliver(MESSAGES)
    expect(answered.size).toBe(MESSAGES)
    expect((await database.effects()).toSorted()).toEqual(ids.toSorted())
  }, 120_000)
})
