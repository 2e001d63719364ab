import { z } from 'zod'

/** What a host is started with. */
export interface HostConfig {
  readonly host: string
  /** 0: one that is free. */
  readonly port: number
  /** Uploaded files and keys, which all nodes of a database share; and SQLite's database. */
  readonly dataDir: string
  /** Where PostgreSQL is; an SQLite file in the data folder when left out. */
  readonly databaseUrl?: string | undefined
  /** The token of the first tenant's administrator; generated once and kept when left out. */
  readonly adminToken?: string | undefined
  /** Base64 of 32 bytes; generated once and kept when left out. */
  readonly encryptionKey?: string | undefined
  /** Keys that secrets in the database may still be encrypted with. */
  readonly previousEncryptionKeys: readonly string[]
  /** Networks that webhooks may go to although they are private, as CIDRs. */
  readonly allowNetworks: readonly string[]
  readonly maxUploadBytes: number
  /** Streams of events that may be open from one address at a time. */
  readonly maxStreamsPerAddress: number
  /** Who may read the metrics, besides administrators of the first tenant. */
  readonly metricsToken?: string | undefined
  /** Whether everybody may who reaches the host. */
  readonly hasOpenMetrics: boolean
  /** How many proxies requests come through, each of which says for whom. */
  readonly trustedProxies: number
  /** Longest time for a request to arrive whole. */
  readonly requestTimeoutMs: number
  /** How long `/readyz` says no, so that nothing more is sent here, before the host stops. */
  readonly shutdownDelayMs: number
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error' | 'silent'
}

/** The fewest characters of a token that may be chosen. */
export const MIN_TOKEN_LENGTH = 16

const list = z
  .string()
  .default('')
  .transform((text) => text.split(',').map((part) => part.trim()))
  .transform((parts) => parts.filter((part) => part !== ''))

const printable = z
  .string()
  .regex(/^[\x21-\x7e]+$/, 'must be printable ASCII without spaces, to fit in a header')

/** A secret that somebody has chosen: what is shorter is guessed. */
const token = printable.min(
  MIN_TOKEN_LENGTH,
  `must have at least ${MIN_TOKEN_LENGTH} characters; make one with: openssl rand -hex 32`,
)

const encryptionKey = z
  .string()
  .regex(/^[A-Za-z0-9+/]{43}=$/, 'must be 32 bytes as base64; make one with: openssl rand -base64 32')

const environment = z.object({
  HOST: z.string().min(1).default('127.0.0.1'),
  PORT: z.coerce.number().int().min(0).max(65_535).default(4000),
  HOST_DATA_DIR: z.string().min(1).default('./data'),
  ADMIN_TOKEN: token.optional(),
  WEBHOOK_ALLOW_NETWORKS: list,
  MAX_UPLOAD_BYTES: z.coerce
    .number()
    .int()
    .min(1)
    // What PostgreSQL's integers hold.
    .max(2_147_483_647)
    .default(100 * 1024 * 1024),
  MAX_STREAMS_PER_ADDRESS: z.coerce.number().int().min(1).default(200),
  METRICS_TOKEN: token.optional(),
  METRICS_OPEN: z.enum(['true', 'false']).default('false'),
  TRUSTED_PROXIES: z.coerce.number().int().min(0).max(10).default(0),
  REQUEST_TIMEOUT_MS: z.coerce.number().int().min(100).default(120_000),
  SHUTDOWN_DELAY_MS: z.coerce.number().int().min(0).max(60_000).default(0),
  LOG_LEVEL: z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info'),
  DATABASE_URL: z
    .url({ protocol: /^postgres(ql)?$/, error: 'must be like postgres://user:password@host:5432/database' })
    .optional(),
  ENCRYPTION_KEY: encryptionKey.optional(),
  PREVIOUS_ENCRYPTION_KEYS: list.pipe(z.array(encryptionKey)),
})

/**
 * Reads the configuration from environment variables; one that is empty counts as left out.
 *
 * @throws with one line for each variable that cannot be used.
 */
export function readConfig(env: Readonly<Record<string, string | undefined>>): HostConfig {
  const given = Object.entries(env).filter(([, value]) => value !== undefined && value !== '')
  const { data, error } = environment.safeParse(Object.fromEntries(given))
  if (error) {
    throw new Error(error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('\n'))
  }
  return {
    host: data.HOST,
    port: data.PORT,
    dataDir: data.HOST_DATA_DIR,
    databaseUrl: data.DATABASE_URL,
    encryptionKey: data.ENCRYPTION_KEY,
    previousEncryptionKeys: data.PREVIOUS_ENCRYPTION_KEYS,
    adminToken: data.ADMIN_TOKEN,
    allowNetworks: data.WEBHOOK_ALLOW_NETWORKS,
    maxUploadBytes: data.MAX_UPLOAD_BYTES,
    maxStreamsPerAddress: data.MAX_STREAMS_PER_ADDRESS,
    metricsToken: data.METRICS_TOKEN,
    hasOpenMetrics: data.METRICS_OPEN === 'true',
    trustedProxies: data.TRUSTED_PROXIES,
    requestTimeoutMs: data.REQUEST_TIMEOUT_MS,
    shutdownDelayMs: data.SHUTDOWN_DELAY_MS,
    logLevel: data.LOG_LEVEL,
  }
}
