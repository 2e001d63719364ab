import { useState } from 'react'
import type { TestedEvent } from '../api-types.ts'
import { counted } from '../format.ts'
import { ask } from '../http.ts'
import { Badge } from '../parts/badge.tsx'
import { Button } from '../parts/button.tsx'
import { Field } from '../parts/field.tsx'
import { ProblemNote } from '../parts/problem-note.tsx'
import { Time } from '../parts/time.tsx'
import { useAction } from '../use-action.ts'
import { type EndpointDraft, filterOf, filterProblem, isFilterField } from './endpoint-draft.ts'

interface FilterFieldProps {
  readonly draft: EndpointDraft
  /** What is wrong with it, by the last try to save it. */
  readonly error: string | undefined
  readonly onChange: (changed: Partial<EndpointDraft>) => void
}

const EXAMPLE = '{ "data.entity.total": { "$gt": 100 } }'

/** Which events an endpoint gets, by what they carry, and what that would have let through. */
export function FilterField({ draft, error, onChange }: FilterFieldProps) {
  const [isOpen, setOpen] = useState(draft.filter !== '')
  const [isLeft, setLeft] = useState(false)
  const [tested, setTested] = useState<readonly TestedEvent[]>()
  const trying = useAction(async () => {
    setTested(undefined)
    const body = { ...draft.scope, filter: filterOf(draft) ?? {}, eventTypes: draft.eventTypes }
    setTested((await ask<{ items: readonly TestedEvent[] }>('POST', 'endpoints/test-filter', body)).items)
  })
  const tried = isFilterField(trying.problem?.field) ? trying.problem?.message : undefined
  const shown = (isLeft ? filterProblem(draft.filter) : undefined) ?? tried ?? error
  return (
    <details open={isOpen || shown !== undefined} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>Content filter</summary>
      <fieldset className="stack">
        <legend className="visually-hidden">Content filter</legend>
        <Field
          label="Only events that match"
          hint={
            <>
              JSON: conditions on what the webhook carries, such as <code>{EXAMPLE}</code>. Empty: all events
              of these types.
            </>
          }
          error={shown}
        >
          {(control) => (
            <textarea
              {...control}
              className="input mono"
              rows={4}
              autoComplete="off"
              spellCheck={false}
              placeholder={EXAMPLE}
              value={draft.filter}
              onChange={(event) => {
                setTested(undefined)
                onChange({ filter: event.target.value })
              }}
              onBlur={() => setLeft(true)}
            />
          )}
        </Field>
        <div>
          <Button isBusy={trying.isBusy} onClick={trying.run}>
            Try it on the last events
          </Button>
        </div>
        <ProblemNote problem={trying.problem} except={isFilterField} />
        <p role="status">{tested && summaryOf(tested)}</p>
        {tested && tested.length > 0 && <Tested events={tested} />}
      </fieldset>
    </details>
  )
}

function summaryOf(events: readonly TestedEvent[]): string {
  if (events.length === 0) return 'There are no events of these types yet to try it on.'
  const matching = events.filter(({ matches }) => matches).length
  const last = events.length === 1 ? 'the last event' : `the last ${counted(events.length, 'event')}`
  return `${matching} of ${last} ${matching === 1 ? 'matches' : 'match'}.`
}

function Tested({ events }: { readonly events: readonly TestedEvent[] }) {
  return (
    <details>
      <summary>Which ones</summary>
      <table className="table folds">
        <thead>
          <tr>
            <th scope="col">Event</th>
            <th scope="col">Entity</th>
            <th scope="col">Result</th>
            <th scope="col">When</th>
          </tr>
        </thead>
        <tbody>
          {events.map((event) => (
            <tr key={event.id}>
              <td className="mono anywhere">{event.eventType}</td>
              <td className="anywhere" data-label="Entity">
                {event.entityId}
              </td>
              <td data-label="Result">
                <Result event={event} />
              </td>
              <td data-label="When">
                <Time at={event.modifiedOn} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </details>
  )
}

function Result({ event: { matches, failure } }: { readonly event: TestedEvent }) {
  if (failure === 'no_message') return <Badge tone="bad">No webhook can be made</Badge>
  if (failure === 'too_costly') return <Badge tone="bad">Too large to filter</Badge>
  return matches ? <Badge tone="good">Matches</Badge> : <Badge tone="neutral">Left out</Badge>
}
