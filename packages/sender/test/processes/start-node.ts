import { startProcess, type TestProcess, waitFor } from '@x/testkit'
import { encryptionKey } from '../open-host.ts'
import type { WebhookNodeOptions } from './webhook-node.ts'

/** A node in a process of its own. The requests it sends bear its name as their `user-agent`. */
export interface TestNode extends AsyncDisposable {
  readonly name: string
  readonly process: TestProcess
  /** Whether another node has taken endpoints or a subscription over from this one, which thought that it had them. */
  readonly hasLostLeases: boolean
  /** Whether it was killed. */
  readonly isDead: boolean
  isUp(): Promise<unknown>
  /** Has it do something, and waits until that is done. */
  have(command: string): Promise<unknown>
  kill(): Promise<void>
}

let started = 0

/** Six of them start at once, on a machine that may have other things to do. */
const STARTED_WITHIN_MS = 60_000

export function startNode(options: Omit<WebhookNodeOptions, 'encryptionKey'>): TestNode {
  const name = `node-${++started}`
  const all: WebhookNodeOptions = {
    ...options,
    encryptionKey: encryptionKey.toString('hex'),
    userAgent: name,
  }
  const process = startProcess(new URL('webhook-node.ts', import.meta.url), JSON.stringify(all))
  const { lines } = process
  let isDead = false
  return {
    name,
    process,
    get hasLostLeases() {
      return lines.some((line) => /The lease of (an endpoint|a subscription) was lost/.test(line))
    },
    get isDead() {
      return isDead
    },
    isUp: () =>
      waitFor(() => lines.includes('started'), `${name} to start; ${process.errors}`, STARTED_WITHIN_MS),
    have(command) {
      process.tell(command)
      return waitFor(
        () => lines.includes(`done ${command}`),
        `${name}: ${command}; ${process.errors}`,
        STARTED_WITHIN_MS,
      )
    },
    async kill() {
      isDead = true
      await process.kill()
    },
    [Symbol.asyncDispose]: () => process.kill(),
  }
}
