import { useId } from 'react'
import { t } from '../preferences.ts'
import { Button } from './button.tsx'
import { FieldError } from './field.tsx'

/** A header as it is being typed. */
export interface HeaderRow {
  readonly key: number
  readonly name: string
  readonly value: string
}

interface HeaderRowsProps {
  readonly rows: readonly HeaderRow[]
  readonly error: string | undefined
  readonly onChange: (rows: readonly HeaderRow[]) => void
}

/** Edits the headers that are sent along. */
export function HeaderRows({ rows, error, onChange }: HeaderRowsProps) {
  const id = useId()
  const change = (key: number, changed: Partial<HeaderRow>) =>
    onChange(rows.map((row) => (row.key === key ? { ...row, ...changed } : row)))
  const nextKey = Math.max(0, ...rows.map(({ key }) => key)) + 1
  return (
    <fieldset className="stack-tight" aria-describedby={error ? id : undefined}>
      <legend>{t.headers.title}</legend>
      <div className="hint">{t.headers.hint}</div>
      {rows.map(({ key, name, value }, index) => (
        <div className="header-row" key={key}>
          <input
            className="input mono"
            aria-label={t.headers.name(index + 1)}
            placeholder="authorization"
            value={name}
            onChange={(event) => change(key, { name: event.target.value })}
          />
          <input
            className="input mono"
            aria-label={t.headers.value(index + 1)}
            placeholder="Bearer ..."
            value={value}
            onChange={(event) => change(key, { value: event.target.value })}
          />
          <Button
            kind="plain"
            label={t.headers.removeLabel(index + 1)}
            onClick={() => onChange(rows.filter((row) => row.key !== key))}
          >
            {t.headers.remove}
          </Button>
        </div>
      ))}
      <div>
        <Button slim onClick={() => onChange([...rows, { key: nextKey, name: '', value: '' }])}>
          {t.headers.add}
        </Button>
      </div>
      <FieldError id={id} error={error} />
    </fieldset>
  )
}
