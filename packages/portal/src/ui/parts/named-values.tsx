import { useId } from 'react'
import type { t } from '../preferences.ts'
import { Button } from './button.tsx'
import { FieldError } from './field.tsx'

/** A name and a value as they are being typed. */
export interface NamedValue {
  readonly key: number
  readonly name: string
  readonly value: string
}

interface NamedValuesProps {
  readonly texts: typeof t.headers | typeof t.metadata
  readonly rows: readonly NamedValue[]
  readonly error: string | undefined
  readonly onChange: (rows: readonly NamedValue[]) => void
}

/** Edits names and their values: headers, metadata. */
export function NamedValues({ texts, rows, error, onChange }: NamedValuesProps) {
  const id = useId()
  const change = (key: number, changed: Partial<NamedValue>) =>
    onChange(rows.map((row) => (row.key === key ? { ...row, ...changed } : row)))
  const nextKey = Math.max(0, ...rows.map(({ key }) => key)) + 1
  return (
    <fieldset className="stack-tight" aria-describedby={error ? id : undefined}>
      <legend>{texts.title}</legend>
      <div className="hint">{texts.hint}</div>
      {rows.map(({ key, name, value }, index) => (
        <div className="header-row" key={key}>
          <input
            className="input mono"
            aria-label={texts.name(index + 1)}
            placeholder={texts.exampleName}
            value={name}
            onChange={(event) => change(key, { name: event.target.value })}
          />
          <input
            className="input mono"
            aria-label={texts.value(index + 1)}
            placeholder={texts.exampleValue}
            value={value}
            onChange={(event) => change(key, { value: event.target.value })}
          />
          <Button
            kind="plain"
            label={texts.removeLabel(index + 1)}
            onClick={() => onChange(rows.filter((row) => row.key !== key))}
          >
            {texts.remove}
          </Button>
        </div>
      ))}
      <div>
        <Button slim onClick={() => onChange([...rows, { key: nextKey, name: '', value: '' }])}>
          {texts.add}
        </Button>
      </div>
      <FieldError id={id} error={error} />
    </fieldset>
  )
}

/** As they are typed, of what is stored. */
export const namedValuesOf = (values: Readonly<Record<string, string>>): NamedValue[] =>
  Object.entries(values).map(([name, value], key) => ({ key, name, value }))

/** As they are stored; rows that were left empty are left out. */
export const valuesByName = (rows: readonly NamedValue[]): Record<string, string> =>
  Object.fromEntries(
    rows
      .filter(({ name, value }) => name.trim() !== '' || value !== '')
      .map(({ name, value }) => [name.trim(), value]),
  )
