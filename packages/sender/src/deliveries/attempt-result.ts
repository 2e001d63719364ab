import type { EndpointNotice, StoredCircuit } from '../deliver/circuit-breaker.ts'
import type { EndpointRow } from '../endpoints/fields.ts'
import type { AttemptDetails } from './attempt-details.ts'
import type { AttemptErrorCode } from './attempt-error-code.ts'
import type { DeliveryState } from './delivery.ts'
import type { DeliveryRow } from './delivery-row.ts'

/** What came of one attempt. */
export interface AttemptResult {
  readonly endpointKey: number
  readonly messageKey: number
  /** The epoch of the lease that the attempt was made under: a result of another life is dropped. */
  readonly epoch: number
  readonly number: number
  readonly step: number
  readonly state: DeliveryState
  readonly orderingKey: string | null
  /** Whether a person had asked for the attempt. */
  readonly manual: boolean
  /** The time that the attempt was due: a time that was set during the attempt is kept. */
  readonly wasDueOn: number
  /** When the next attempt is due; null when there is none. */
  readonly dueOn: number | null
  readonly startedOn: number
  readonly durationMs: number
  readonly url: string
  readonly signature: string
  readonly status: number | null
  readonly errorCode: AttemptErrorCode | null
  readonly errorMessage: string | null
  readonly responseBody: string | null
  /** Null of a success at once. */
  readonly details: AttemptDetails | null
  /** Whether it counts: one that failed through a fault of ours leaves no attempt, and no trace in the schedule. */
  readonly counted: boolean
  /** The notice for the host; `disabled` also disables the endpoint. */
  readonly notice: EndpointNotice | null
}

/** How an endpoint does, as the holder of its lease knows it: for the next holder. */
export interface EndpointState extends StoredCircuit {
  readonly endpointKey: number
  readonly epoch: number
  /** Counts the resets by people: a state from before one is dropped. */
  readonly resets: number
  /** Tokens of its rate limit that are out; JSON. */
  readonly rate: string | null
  /** Of the health's changes in memory, how many this holds; not stored. */
  readonly changes: number
}

/** The same as it is read. */
export interface StoredEndpointState extends Omit<EndpointState, 'endpointKey' | 'epoch' | 'changes'> {
  /** Whether the holder before has handed the lease back: then nothing is missing. */
  readonly wasHandedBack: boolean
}

/** What came of attempts, to be stored at once. */
export interface ResultBatch {
  readonly results: readonly AttemptResult[]
  readonly states: readonly EndpointState[]
}

/** The notices for the host, of what was just stored. */
export interface RecordedResults {
  /** Those that this node still holds; only what concerns them was stored. */
  readonly endpoints: ReadonlyMap<number, EndpointRow>
  readonly notices: readonly { readonly endpointKey: number; readonly notice: EndpointNotice }[]
  /** Deliveries that have come to their end without success. */
  readonly exhausted: readonly DeliveryRow[]
}
