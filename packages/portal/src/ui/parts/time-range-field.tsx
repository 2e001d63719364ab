import { type ReactNode, useState } from 'react'
import { t } from '../preferences.ts'
import { localInputTime, timeOfLocalInput } from '../zoned-time.ts'
import { Field } from './field.tsx'

const HOUR_MS = 3_600_000
const RANGES = [1, 24, 72, 168, 720] as const
const OWN = 'own'

/** A time range that a person chooses: the last hours, or one of their own. */
export interface TimeRange {
  readonly field: ReactNode
  /** Times for the API. */
  value(): { since: string; until?: string }
}

export function useTimeRange(): TimeRange {
  const [hours, setHours] = useState('24')
  const [since, setSince] = useState(() => localInputTime(Date.now() - 24 * HOUR_MS))
  const [until, setUntil] = useState(() => localInputTime(Date.now()))
  const input = (label: string, value: string, onChange: (value: string) => void) => (
    <Field label={label}>
      {(control) => (
        <input
          {...control}
          type="datetime-local"
          className="input"
          value={value}
          onChange={(event) => onChange(event.target.value)}
        />
      )}
    </Field>
  )
  return {
    field: (
      <>
        <Field label={t.range.title}>
          {(control) => (
            <select
              {...control}
              className="input"
              value={hours}
              onChange={(event) => setHours(event.target.value)}
            >
              {RANGES.map((value) => (
                <option key={value} value={value}>
                  {t.range.last[value]}
                </option>
              ))}
              <option value={OWN}>{t.range.own}</option>
            </select>
          )}
        </Field>
        {hours === OWN && (
          <div className="pair">
            {input(t.range.from, since, setSince)}
            {input(t.range.until, until, setUntil)}
          </div>
        )}
      </>
    ),
    value() {
      if (hours === OWN) {
        return { since: timeOfLocalInput(since) ?? '', until: timeOfLocalInput(until) ?? '' }
      }
      return { since: new Date(Date.now() - Number(hours) * HOUR_MS).toISOString() }
    },
  }
}
