import { fork } from 'node:child_process'
import { once } from 'node:events'

export type SinkCommand =
  | { readonly kind: 'listen'; readonly origins: number }
  | { readonly kind: 'begin'; readonly timing: boolean; readonly hanging: number }
  | { readonly kind: 'report' }

/** What a sink has received since it was told to begin. */
export interface SinkReport {
  /** By origin. */
  readonly requests: readonly number[]
  /** From the `sentAt` of a body to its receipt, in milliseconds. */
  readonly delays: readonly number[]
}

/** A consumer that takes everything at once, on another core. */
export interface Sink extends AsyncDisposable {
  readonly origins: readonly string[]
  /** @param options - whether to measure delays, and which origin never answers. */
  begin(options?: { readonly timing?: boolean; readonly hanging?: number }): Promise<void>
  report(): Promise<SinkReport>
}

/** Starts a process that listens on so many ports of this machine. */
export async function startSink(origins: number): Promise<Sink> {
  const child = fork(new URL('./sink-process.ts', import.meta.url))
  async function ask<TAnswer>(command: SinkCommand): Promise<TAnswer> {
    child.send(command)
    const [answer] = await once(child, 'message')
    return answer as TAnswer
  }
  const ports = await ask<number[]>({ kind: 'listen', origins })

  return {
    origins: ports.map((port) => `http://127.0.0.1:${port}`),
    begin: ({ timing = false, hanging = -1 } = {}) => ask({ kind: 'begin', timing, hanging }),
    report: () => ask({ kind: 'report' }),
    async [Symbol.asyncDispose]() {
      child.disconnect()
      await once(child, 'exit')
    },
  }
}
