import { useState } from 'react'
import type { TestedEvent } from '../api-types.ts'
import { ask } from '../http.ts'
import { Badge } from '../parts/badge.tsx'
import { Button } from '../parts/button.tsx'
import { Disclosure } from '../parts/disclosure.tsx'
import { Field } from '../parts/field.tsx'
import { ProblemNote } from '../parts/problem-note.tsx'
import { Prose } from '../parts/prose.tsx'
import { Time } from '../parts/time.tsx'
import { t } from '../preferences.ts'
import { problemText } from '../problem-text.ts'
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
  const [isLeft, setLeft] = useState(false)
  const [tested, setTested] = useState<readonly TestedEvent[]>()
  const trying = useAction(async () => {
    setTested(undefined)
    const body = { ...draft.scope, filter: filterOf(draft) ?? {}, eventTypes: draft.eventTypes }
    setTested((await ask<{ items: readonly TestedEvent[] }>('POST', 'endpoints/test-filter', body)).items)
  })
  const tried =
    trying.problem && isFilterField(trying.problem.field) ? problemText(trying.problem) : undefined
  const shown = (isLeft ? filterProblem(draft.filter) : undefined) ?? tried ?? error
  return (
    <Disclosure opens={draft.filter !== '' || shown !== undefined}>
      <summary>{t.filter.title}</summary>
      <fieldset className="stack">
        <legend className="visually-hidden">{t.filter.title}</legend>
        <Field label={t.filter.label} hint={<Prose text={t.filter.hint(EXAMPLE)} />} error={shown}>
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
            {t.filter.tryIt}
          </Button>
        </div>
        <ProblemNote problem={trying.problem} except={isFilterField} />
        <p role="status">{tested && summaryOf(tested)}</p>
        {tested && tested.length > 0 && <Tested events={tested} />}
      </fieldset>
    </Disclosure>
  )
}

function summaryOf(events: readonly TestedEvent[]): string {
  if (events.length === 0) return t.filter.noEvents
  return t.filter.summary(events.filter(({ matches }) => matches).length, events.length)
}

function Tested({ events }: { readonly events: readonly TestedEvent[] }) {
  return (
    <details>
      <summary>{t.filter.which}</summary>
      <table className="table folds">
        <thead>
          <tr>
            <th scope="col">{t.deliveries.event}</th>
            <th scope="col">{t.filter.entity}</th>
            <th scope="col">{t.filter.result}</th>
            <th scope="col">{t.deliveries.when}</th>
          </tr>
        </thead>
        <tbody>
          {events.map((event) => (
            <tr key={event.id}>
              <td className="mono anywhere">{event.eventType}</td>
              <td className="anywhere" data-label={t.filter.entity}>
                {event.entityId}
              </td>
              <td data-label={t.filter.result}>
                <Result event={event} />
              </td>
              <td data-label={t.deliveries.when}>
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
  if (failure === 'no_message') return <Badge tone="bad">{t.filter.noMessage}</Badge>
  if (failure === 'too_costly') return <Badge tone="bad">{t.filter.tooCostly}</Badge>
  return matches ? (
    <Badge tone="good">{t.filter.matches}</Badge>
  ) : (
    <Badge tone="neutral">{t.filter.leftOut}</Badge>
  )
}
