import type { Logger } from '@x/events-core'
import type { SharedClock } from '../clock.ts'
import type { SecretCipher } from '../endpoints/cipher.ts'
import type { UrlRules } from '../endpoints/validate.ts'
import type { HttpPools } from '../http/pools.ts'
import type { TelemetrySettings } from '../options.ts'
import type { DeliveryStore } from '../store/store.ts'
import type { CircuitPolicy } from './circuit-breaker.ts'
import type { CanReceive } from './permission.ts'
import type { ResultRecorderParts } from './result-recorder.ts'
import type { RetrySchedule } from './retry-schedule.ts'

/** What a worker works with. */
export interface WorkerParts {
  readonly store: DeliveryStore
  readonly cipher: SecretCipher
  readonly urlRules: UrlRules
  readonly webhookOrigin: string | undefined
  readonly pools: HttpPools
  readonly clock: SharedClock
  readonly logger: Logger
  readonly schedule: RetrySchedule
  readonly circuitPolicy: CircuitPolicy
  readonly tell: ResultRecorderParts['tell']
  /** Tells other nodes that something is due which this one may not deliver. */
  wakeOthers(): void
  /** Tells other nodes that an endpoint has changed, which one of them may hold. */
  announceChange(): void
  readonly userAgent: string
  readonly canReceive: CanReceive | undefined
  readonly telemetry: TelemetrySettings
  readonly timeoutMs: number
  readonly maxInFlight: number
  readonly leaseMs: number
  readonly pollMaxMs: number
  readonly stopTimeoutMs: number
}
