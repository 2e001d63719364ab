import { duration } from '../format.ts'
import { Field } from '../parts/field.tsx'
import { t } from '../preferences.ts'

const OVERLAPS = [0, 3_600, 86_400, 3 * 86_400, 7 * 86_400]

interface OverlapFieldProps {
  readonly seconds: number
  readonly onChange: (seconds: number) => void
}

/** For how long a key or a secret stays valid after its rotation. */
export function OverlapField({ seconds, onChange }: OverlapFieldProps) {
  return (
    <Field label={t.secret.overlap}>
      {(control) => (
        <select
          {...control}
          className="input"
          value={seconds}
          onChange={(event) => onChange(Number(event.target.value))}
        >
          {OVERLAPS.map((value) => (
            <option key={value} value={value}>
              {value === 0 ? t.secret.noOverlap : duration(value * 1_000)}
            </option>
          ))}
        </select>
      )}
    </Field>
  )
}
