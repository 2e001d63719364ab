import { useId } from 'react'
import type { EventType } from '../api-types.ts'
import { t } from '../preferences.ts'
import { useResource } from '../resources.ts'
import { Field } from './field.tsx'

interface EventTypeFieldProps {
  readonly value: string
  readonly onChange: (value: string) => void
}

/** A type of events to look for, with those of the catalog as suggestions. */
export function EventTypeField({ value, onChange }: EventTypeFieldProps) {
  const eventTypes = useResource<{ items: readonly EventType[] }>('event-types').data?.items ?? []
  const listId = useId()
  return (
    <>
      <Field label={t.deliveries.eventType}>
        {(control) => (
          <input
            {...control}
            className="input mono"
            list={listId}
            placeholder={t.deliveries.anyType}
            defaultValue={value}
            key={value}
            onBlur={(event) => onChange(event.target.value.trim())}
            onKeyDown={(event) => event.key === 'Enter' && onChange(event.currentTarget.value.trim())}
          />
        )}
      </Field>
      <datalist id={listId}>
        {eventTypes.map(({ type }) => (
          <option key={type} value={type} />
        ))}
      </datalist>
    </>
  )
}
