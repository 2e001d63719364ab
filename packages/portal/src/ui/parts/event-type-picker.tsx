import { Search, X } from 'lucide-react'
import { type KeyboardEvent, useId, useState } from 'react'
import type { EventType } from '../api-types.ts'
import { t } from '../preferences.ts'
import { useResource } from '../resources.ts'
import { Button } from './button.tsx'
import { FieldError } from './field.tsx'
import { Prose } from './prose.tsx'

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
      <legend>{t.picker.title}</legend>
      <label className="check">
        <input type="radio" name={name} checked={isAll} onChange={() => onChange(['*'])} />
        <span>{t.picker.all}</span>
      </label>
      <label className="check">
        <input type="radio" name={name} checked={!isAll} onChange={() => onChange([])} />
        <span>{t.picker.some}</span>
      </label>
      {!isAll && <Choice types={types} value={value} onToggle={toggle} />}
      <FieldError id={errorId} error={error} />
    </fieldset>
  )
}

interface ChoiceProps {
  readonly types: readonly EventType[]
  readonly value: readonly string[]
  readonly onToggle: (pattern: string) => void
}

function Choice({ types, value, onToggle }: ChoiceProps) {
  const [search, setSearch] = useState('')
  const id = useId()
  const words = search.trim().toLowerCase()
  const found = types.filter(({ type, description }) =>
    `${type} ${description}`.toLowerCase().includes(words),
  )
  const pattern = search.trim()
  const canAdd = pattern !== '' && !value.includes(pattern) && !types.some(({ type }) => type === pattern)
  const add = () => {
    if (!canAdd) return
    onToggle(pattern)
    setSearch('')
  }
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key !== 'Enter') return
    // It chooses what was typed, and does not send the form off.
    event.preventDefault()
    const [only] = found
    if (pattern.includes('*') || !only) add()
    else if (found.length === 1 && !value.includes(only.type)) onToggle(only.type)
  }
  return (
    <div className="stack-tight">
      <Chosen value={value} onRemove={onToggle} />
      <div className="field">
        <label htmlFor={id}>{t.picker.search}</label>
        <div className="row">
          <span className="search-box">
            <Search aria-hidden />
            <input
              id={id}
              className="input"
              type="search"
              autoComplete="off"
              placeholder="File.*"
              value={search}
              onChange={(event) => setSearch(event.target.value)}
              onKeyDown={onKeyDown}
            />
          </span>
          {canAdd && <Button onClick={add}>{t.picker.add(pattern)}</Button>}
        </div>
        <div className="hint">
          <Prose text={t.picker.hint} />
        </div>
      </div>
      <div className="visually-hidden" role="status">
        {words !== '' && t.picker.found(found.length)}
      </div>
      <div className="picker">
        {found.length === 0 && <p className="quiet card-body">{t.picker.none}</p>}
        {groupsOf(found).map(([entity, members]) => (
          <Group key={entity} entity={entity} members={members} value={value} onToggle={onToggle} />
        ))}
      </div>
    </div>
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
  if (value.length === 0) return <p className="hint">{t.picker.nothing}</p>
  return (
    <ul className="row" aria-label={t.picker.chosen}>
      {value.map((pattern) => (
        <li className="chip" key={pattern}>
          {pattern}
          <button type="button" aria-label={t.picker.remove(pattern)} onClick={() => onRemove(pattern)}>
            <X aria-hidden />
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
  return (
    <fieldset className="picker-group">
      <legend className="visually-hidden">{entity}</legend>
      <label className="check">
        <input type="checkbox" checked={isWhole} onChange={() => onToggle(all)} />
        <span>
          <strong>{entity}</strong> <span className="small quiet">{t.picker.whole(entity)}</span>
        </span>
      </label>
      {members.map(({ type, description, deprecated }) => (
        <label className="check member" key={type}>
          <input
            type="checkbox"
            checked={isWhole || value.includes(type)}
            disabled={isWhole}
            onChange={() => onToggle(type)}
          />
          <span>
            <code>{type}</code>{' '}
            <span className="small quiet">
              {deprecated ? `${t.states.deprecated}. ` : ''}
              {description}
            </span>
          </span>
        </label>
      ))}
    </fieldset>
  )
}
