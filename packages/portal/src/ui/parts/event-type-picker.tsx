import { type KeyboardEvent, useId, useState } from 'react'
import type { EventType } from '../api-types.ts'
import { useResource } from '../resources.ts'
import { Button } from './button.tsx'
import { FieldError } from './field.tsx'

interface EventTypePickerProps {
  /** Types and patterns: `['*']` for everything. */
  readonly value: readonly string[]
  readonly error: string | undefined
  readonly onChange: (value: readonly string[]) => void
}

/** Chooses event types from the catalog, whole entities of it, or any pattern. */
export function EventTypePicker({ value, error, onChange }: EventTypePickerProps) {
  const types = useResource<{ items: readonly EventType[] }>('event-types').data?.items ?? []
  const name = useId()
  const errorId = useId()
  const isAll = value.length === 1 && value[0] === '*'
  const toggle = (pattern: string) =>
    onChange(value.includes(pattern) ? value.filter((one) => one !== pattern) : [...value, pattern])
  return (
    <fieldset className="stack-tight" aria-describedby={error ? errorId : undefined}>
      <legend>Events</legend>
      <label className="check">
        <input type="radio" name={name} checked={isAll} onChange={() => onChange(['*'])} />
        <span>All events, also those that will be added later</span>
      </label>
      <label className="check">
        <input type="radio" name={name} checked={!isAll} onChange={() => onChange([])} />
        <span>Only these</span>
      </label>
      {!isAll && (
        <div className="stack-tight">
          <Chosen value={value} onRemove={toggle} />
          {groupsOf(types).map(([entity, members]) => (
            <Group key={entity} entity={entity} members={members} value={value} onToggle={toggle} />
          ))}
          <PatternInput onAdd={(pattern) => value.includes(pattern) || onChange([...value, pattern])} />
        </div>
      )}
      <FieldError id={errorId} error={error} />
    </fieldset>
  )
}

function groupsOf(types: readonly EventType[]): [string, EventType[]][] {
  return [...Map.groupBy(types, ({ type }) => type.slice(0, type.indexOf('.')))]
}

interface ChosenProps {
  readonly value: readonly string[]
  readonly onRemove: (pattern: string) => void
}

function Chosen({ value, onRemove }: ChosenProps) {
  if (value.length === 0) return <p className="hint">Nothing is chosen yet.</p>
  return (
    <ul className="row" aria-label="Chosen events">
      {value.map((pattern) => (
        <li className="chip" key={pattern}>
          {pattern}
          <button type="button" aria-label={`Remove ${pattern}`} onClick={() => onRemove(pattern)}>
            ×
          </button>
        </li>
      ))}
    </ul>
  )
}

interface GroupProps {
  readonly entity: string
  readonly members: readonly EventType[]
  readonly value: readonly string[]
  readonly onToggle: (pattern: string) => void
}

function Group({ entity, members, value, onToggle }: GroupProps) {
  const all = `${entity}.*`
  const isWhole = value.includes(all)
  const chosen = isWhole ? members.length : members.filter(({ type }) => value.includes(type)).length
  return (
    <details className="picker-group">
      <summary>
        {entity}{' '}
        <span className="small quiet">{chosen > 0 ? `${chosen} of ${members.length} chosen` : ''}</span>
      </summary>
      <div>
        <label className="check">
          <input type="checkbox" checked={isWhole} onChange={() => onToggle(all)} />
          <span>
            Everything about it <code>{all}</code>
          </span>
        </label>
        {members.map(({ type, description, deprecated }) => (
          <label className="check" key={type}>
            <input
              type="checkbox"
              checked={isWhole || value.includes(type)}
              disabled={isWhole}
              onChange={() => onToggle(type)}
            />
            <span>
              <code>{type}</code>{' '}
              <span className="small quiet">
                {deprecated ? 'Deprecated. ' : ''}
                {description}
              </span>
            </span>
          </label>
        ))}
      </div>
    </details>
  )
}

function PatternInput({ onAdd }: { readonly onAdd: (pattern: string) => void }) {
  const [text, setText] = useState('')
  const id = useId()
  const add = () => {
    const pattern = text.trim()
    if (pattern === '') return
    onAdd(pattern)
    setText('')
  }
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key !== 'Enter') return
    // It adds the pattern, and does not send the form off.
    event.preventDefault()
    add()
  }
  return (
    <div className="field">
      <label htmlFor={id}>Another type or pattern</label>
      <div className="row">
        <input
          id={id}
          className="input mono pattern-input"
          placeholder="*.Delete"
          value={text}
          onChange={(event) => setText(event.target.value)}
          onKeyDown={onKeyDown}
          onBlur={add}
        />
        <Button onClick={add}>Add</Button>
      </div>
      <div className="hint">
        <code>File.*</code> is everything about files, <code>*.Delete</code> every deletion.
      </div>
    </div>
  )
}
