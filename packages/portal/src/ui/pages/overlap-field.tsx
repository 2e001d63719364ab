import { Field } from '../parts/field.tsx'

const OVERLAPS = [
  [0, 'It ends at once'],
  [3_600, '1 hour'],
  [86_400, '1 day'],
  [3 * 86_400, '3 days'],
  [7 * 86_400, '7 days'],
] as const

interface OverlapFieldProps {
  readonly seconds: number
  readonly onChange: (seconds: number) => void
}

/** For how long a key or a secret stays valid after its rotation. */
export function OverlapField({ seconds, onChange }: OverlapFieldProps) {
  return (
    <Field label="The old one stays for">
      {(control) => (
        <select
          {...control}
          className="input"
          value={seconds}
          onChange={(event) => onChange(Number(event.target.value))}
        >
          {OVERLAPS.map(([value, title]) => (
            <option key={value} value={value}>
              {title}
            </option>
          ))}
        </select>
      )}
    </Field>
  )
}
