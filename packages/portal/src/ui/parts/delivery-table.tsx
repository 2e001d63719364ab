import { useEffect, useRef } from 'react'
import type { Delivery, Endpoint } from '../api-types.ts'
import { duration } from '../format.ts'
import { href } from '../hash-route.ts'
import { DeliveryBadge } from './badge.tsx'
import { endpointName } from './endpoint-name.ts'
import { Time } from './time.tsx'

interface DeliveryTableProps {
  readonly deliveries: readonly Delivery[]
  /** Names the endpoints, where there may be several. */
  readonly endpoints?: readonly Endpoint[]
}

/** Deliveries, one a line; those that have come since are marked for a moment. */
export function DeliveryTable({ deliveries, endpoints }: DeliveryTableProps) {
  const isNew = useNewIds(deliveries.map(({ id }) => id))
  return (
    <table className="table folds">
      <thead>
        <tr>
          <th scope="col">Event</th>
          <th scope="col">State</th>
          {endpoints && <th scope="col">Endpoint</th>}
          <th scope="col">Answer</th>
          <th scope="col" className="number">
            Took
          </th>
          <th scope="col">When</th>
        </tr>
      </thead>
      <tbody>
        {deliveries.map((delivery) => (
          <tr key={delivery.id} className={isNew(delivery.id) ? 'fresh' : undefined}>
            <td>
              <a className="mono anywhere" href={href(['deliveries', delivery.id])}>
                {delivery.eventType}
              </a>
            </td>
            <td data-label="State">
              <DeliveryBadge delivery={delivery} />
            </td>
            {endpoints && (
              <td className="anywhere" data-label="Endpoint">
                {nameOf(delivery, endpoints)}
              </td>
            )}
            <td data-label="Answer">{answerOf(delivery)}</td>
            <td className="number" data-label="Took">
              {tookOf(delivery)}
            </td>
            <td data-label="When">
              <Time at={delivery.createdOn} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}

function nameOf({ endpointId }: Delivery, endpoints: readonly Endpoint[]): string {
  const endpoint = endpoints.find(({ id }) => id === endpointId)
  return endpoint ? endpointName(endpoint) : endpointId
}

function answerOf({ lastStatus, lastErrorCode, state }: Delivery): string {
  if (state === 'pull') return ''
  if (lastStatus !== undefined) return `HTTP ${lastStatus}`
  return lastErrorCode?.replaceAll('_', ' ') ?? (state === 'pending' ? 'none yet' : 'none')
}

/** From the event's arrival to the end of the delivery. */
function tookOf({ createdOn, finishedOn, state }: Delivery): string {
  return finishedOn === undefined || state === 'pull'
    ? ''
    : duration(Date.parse(finishedOn) - Date.parse(createdOn))
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
