import { useEffect, useRef } from 'react'
import type { Delivery } from '../api-types.ts'
import { useEndpointNames } from '../endpoint-names.ts'
import { duration, shortTime } from '../format.ts'
import { href } from '../hash-route.ts'
import { t } from '../preferences.ts'
import { reasonText, resultText } from '../reason-text.ts'
import { DeliveryBadge } from './badge.tsx'
import { Time } from './time.tsx'

interface DeliveryListProps {
  readonly deliveries: readonly Delivery[]
  /** Whether they name their endpoints: where there may be several. */
  readonly withEndpoints?: boolean
}

/** Deliveries, each a row that opens it; those that have come since are marked for a moment. */
export function DeliveryList({ deliveries, withEndpoints = false }: DeliveryListProps) {
  const isNew = useNewIds(deliveries.map(({ id }) => id))
  const nameOf = useEndpointNames(withEndpoints ? deliveries.map(({ endpointId }) => endpointId) : [])
  return (
    <ul className="rows">
      {deliveries.map((delivery) => (
        <li key={delivery.id} className={isNew(delivery.id) ? 'fresh' : undefined}>
          <a className="row-link delivery-row" href={href(['deliveries', delivery.id])}>
            <span className="delivery-state">
              <DeliveryBadge delivery={delivery} />
            </span>
            <span className="delivery-type mono">{delivery.eventType}</span>
            <span className="delivery-result small">{resultOf(delivery)}</span>
            {withEndpoints && (
              <span className="delivery-endpoint small quiet">{nameOf(delivery.endpointId)}</span>
            )}
            <span className="delivery-when small quiet">
              <span className="exact">{`${shortTime(delivery.createdOn)} · `}</span>
              <Time at={delivery.createdOn} />
            </span>
            {delivery.state === 'pending' && (
              <span className="delivery-why small quiet">{reasonText(delivery.reason)}</span>
            )}
          </a>
        </li>
      ))}
    </ul>
  )
}

/** What the last attempt came to, and how long it took from the event's arrival to the end of the delivery. */
function resultOf({ lastStatus, lastErrorCode, state, createdOn, finishedOn }: Delivery): string {
  if (state === 'pull') return ''
  if (lastStatus === undefined && lastErrorCode === undefined) {
    return state === 'pending' ? t.delivery.noAttemptYet : ''
  }
  const result = resultText(lastStatus, lastErrorCode)
  if (state !== 'succeeded' || finishedOn === undefined) return result
  return `${result} · ${duration(Date.parse(finishedOn) - Date.parse(createdOn))}`
}

/** Tells which ids were not there when the list was first shown. */
function useNewIds(ids: readonly string[]): (id: string) => boolean {
  const first = useRef<Set<string>>(undefined)
  const key = ids.join(' ')
  useEffect(() => {
    if (key !== '' || first.current) first.current ??= new Set(key.split(' '))
  }, [key])
  return (id) => first.current !== undefined && !first.current.has(id)
}
