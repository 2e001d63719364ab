import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ExampleProcess, startExample, stopExample } from '../hosting/example-process.ts'
import { createHostApi, type HostApi } from '../hosting/host-api.ts'
import { tapWebhooks, type WebhookTap } from './webhook-tap.ts'

/** Everything that the demo's steps work with: host and consumer, each a process of its own. */
export interface Stage {
  readonly api: HostApi
  readonly hostUrl: string
  readonly token: string
  /** What the endpoint's webhooks are signed with. */
  readonly secret: string
  /** Between the two: what the host really sent, byte for byte. */
  readonly tap: WebhookTap
  /** Where the consumer takes webhooks, past the tap. */
  readonly consumerUrl: string
  readonly consumer: ExampleProcess
  /** The host that runs now. */
  readonly host: ExampleProcess
  /** Starts the host again, on the same port and data. */
  restartHost(): Promise<void>
  /** Ends both processes and removes the data. */
  clear(): Promise<void>
  /** The last lines of every process so far. */
  logs(): string
}

/** Starts consumer and host on free ports of the loopback interface, with data that is removed at the end. */
export async function setStage(): Promise<Stage> {
  const dataDir = await mkdtemp(join(tmpdir(), 'x-events-demo-'))
  const token = randomBytes(24).toString('base64url')
  const secret = `whsec_${randomBytes(32).toString('base64')}`
  const processes: ExampleProcess[] = []

  function start(name: string, folder: string, env: Record<string, string>): ExampleProcess {
    const example = startExample({ name, folder, env })
    processes.push(example)
    return example
  }

  async function startHost(port: string): Promise<[ExampleProcess, string]> {
    const started = start('host', 'reference-host', {
      PORT: port,
      HOST_DATA_DIR: dataDir,
      ADMIN_TOKEN: token,
      WEBHOOK_ALLOW_NETWORKS: '127.0.0.0/8,::1/128',
      LOG_LEVEL: 'info',
      // Whatever this shell has set for other programs of its user.
      HOST: '',
      DATABASE_URL: '',
      MAX_UPLOAD_BYTES: '',
    })
    const [, url = ''] = await started.printed(/ready at (http:\S+)/)
    return [started, url]
  }

  let tap: WebhookTap | undefined
  async function clear(): Promise<void> {
    await Promise.all(processes.map((example) => stopExample(example)))
    tap?.close()
    await rm(dataDir, { recursive: true, force: true })
  }

  try {
    const consumer = start('consumer', 'consumer-express', { PORT: '0', WEBHOOK_SECRET: secret, DEMO: '1' })
    let [[host, hostUrl], [consumerUrl]] = await Promise.all([startHost('0'), consumer.printed(/http:\S+/)])
    tap = await tapWebhooks(consumerUrl)
    return {
      api: createHostApi(hostUrl, token),
      hostUrl,
      token,
      secret,
      tap,
      consumerUrl,
      consumer,
      get host() {
        return host
      },
      async restartHost() {
        ;[host] = await startHost(new URL(hostUrl).port)
      },
      clear,
      logs: () =>
        processes
          .map(({ name, lines }) => `--- ${name} ---\n${lines.slice(-40).join('\n') || '(nothing)'}`)
          .join('\n'),
    }
  } catch (error) {
    await clear()
    throw error
  }
}
