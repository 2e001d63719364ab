import { randomBytes, randomInt } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { join } from 'node:path'
import process from 'node:process'
import { setTimeout as pause } from 'node:timers/promises'
import { startProcess, type TestProcess, temporaryFolder, waitFor } from '@x/testkit'
import { type PostgresServer, startPostgresServer } from '@x/testkit/postgres-server'
import { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import type { Balance, BankOptions } from './bank.ts'

const MONEY = 1_000_000
/** Faults of one pair of banks: a few in each run of all tests, many in `npm run soak`. */
const FAULTS = Number(process.env['BANK_FAULTS'] ?? 2)
vi.setConfig({ testTimeout: 300_000 + FAULTS * 10_000 })
const program = new URL('./bank.ts', import.meta.url)

type Dialect = 'sqlite' | 'postgres'

/** A bank, and what can be done to it. */
interface Bank {
  process: TestProcess
  readonly url: string
  readonly server: PostgresServer | undefined
  readonly place: string
  start(): TestProcess
}

// Of the banks' own, which are cut off from power.
const servers: PostgresServer[] = []
beforeAll(async () => {
  for (let number = 0; number < 2; number++) servers.push(await startPostgresServer())
})
afterAll(async () => {
  for (const server of servers) await server[Symbol.asyncDispose]()
})

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}

async function runOn(url: string, statement: string): Promise<void> {
  const client = new Client({ connectionString: url })
  client.on('error', () => {})
  await client.connect()
  await client.query(statement).finally(() => client.end())
}

async function databaseOf(server: PostgresServer): Promise<string> {
  const name = `bank_${randomBytes(4).toString('hex')}`
  await runOn(server.url, `create database ${name}`)
  return server.url.replace(/postgres$/, name)
}

const isOpen = (bank: Bank) => waitFor(() => bank.process.lines.includes('open'), 'the bank to open')

/** Each leaves the bank as it was, but for what it had in hand. */
const faults: Record<string, (bank: Bank) => Promise<void>> = {
  async 'killed process'(bank) {
    await bank.process.kill()
    bank.process = bank.start()
    await isOpen(bank)
  },
  // For longer than a lease, so that it wakes up without.
  async 'frozen process'({ process: frozen }) {
    frozen.signal('SIGSTOP')
    await pause(randomInt(100, 3_000))
    frozen.signal('SIGCONT')
  },
  async 'cut connections'({ server, place }) {
    if (!server) return
    await runOn(
      server.url,
      `select pg_terminate_backend(pid) from pg_stat_activity where datname = '${place.split('/').at(-1)}'`,
    )
  },
  async 'power cut of the server'({ server }) {
    await server?.restart()
  },
}

async function balanceOf({ url }: Bank): Promise<Balance | undefined> {
  const answer = await fetch(`${url}/balance`).catch(() => undefined)
  return answer?.ok ? ((await answer.json()) as Balance) : undefined
}

const secretOf = () => `whsec_${randomBytes(24).toString('base64')}`

async function openBanks(dialects: readonly [Dialect, Dialect], folder: string): Promise<[Bank, Bank]> {
  const ports = [await freePort(), await freePort()] as const
  const secrets = [secretOf(), secretOf()] as const
  const open = async (own: 0 | 1, others: 0 | 1): Promise<Bank> => {
    const server = dialects[own] === 'postgres' ? servers[own] : undefined
    const place = server ? await databaseOf(server) : join(folder, `bank-${own}.db`)
    const options: BankOptions = {
      place,
      port: ports[own],
      other: `http://127.0.0.1:${ports[others]}/`,
      secrets: { own: secrets[own], others: secrets[others] },
      sequence: own === 0,
      money: MONEY,
    }
    const start = () => startProcess(program, JSON.stringify(options))
    return { process: start(), url: `http://127.0.0.1:${ports[own]}`, server, place, start }
  }
  return [await open(0, 1), await open(1, 0)]
}

describe.each([
  ['sqlite', 'sqlite'],
  ['sqlite', 'postgres'],
  ['postgres', 'sqlite'],
  ['postgres', 'postgres'],
] as const)('a bank on %s and one on %s', (...dialects) => {
  it(`have the same money in the end, and each transfer once, after ${FAULTS} faults`, async () => {
    await using folder = await temporaryFolder()
    const banks = await openBanks(dialects, folder.path)
    const met: string[] = []
    try {
      for (const bank of banks) await isOpen(bank)
      for (let fault = 0; fault < FAULTS; fault++) {
        // In the middle of transfers: some have come since the last fault.
        const before = await Promise.all(banks.map(balanceOf))
        await waitFor(async () => {
          const now = await Promise.all(banks.map(balanceOf))
          return now.every((each, bank) => each && each.sent.length > (before[bank]?.sent.length ?? 0) + 20)
        }, 'transfers')
        const bank = banks[randomInt(2)] as Bank
        const names = Object.keys(faults).filter((name) => bank.server || name.endsWith('process'))
        const name = names[randomInt(names.length)] as string
        met.push(`${name} of ${bank.server ? 'postgres' : 'sqlite'}`)
        await faults[name]?.(bank)
      }
      for (const bank of banks) bank.process.tell('rest')
      for (const bank of banks)
        await waitFor(() => bank.process.lines.includes('resting'), 'the bank to rest')
      const ends = await waitFor(
        async () => {
          const [one, two] = await Promise.all(banks.map(balanceOf))
          const isDone =
            one && two && one.received.length >= two.sent.length && two.received.length >= one.sent.length
          return isDone && ([one, two] as const)
        },
        `everything to arrive after: ${met.join(', ')}`,
      )
      const [one, two] = ends
      expect(one.received.toSorted()).toEqual(two.sent.toSorted())
      expect(two.received.toSorted()).toEqual(one.sent.toSorted())
      expect(one.money + two.money).toBe(2 * MONEY)
      process.stdout.write(
        `bank: ${dialects.join(' and ')}, ${one.sent.length} and ${two.sent.length} transfers, ${one.failures + two.failures} failures met by the banks; ${met.join(', ')}\n`,
      )
    } finally {
      for (const bank of banks) await bank.process.kill()
    }
  })
})
