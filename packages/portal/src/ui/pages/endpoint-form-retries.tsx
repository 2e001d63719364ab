import { duration } from '../format.ts'
import { Field } from '../parts/field.tsx'
import { t } from '../preferences.ts'
import { readSchedule } from './endpoint-draft.ts'
import type { FieldsProps } from './endpoint-form-more.tsx'

/** How long to wait before each attempt, and what that adds up to. */
export function RetryField({ draft, errorAt, onChange }: FieldsProps) {
  const waits = readSchedule(draft.retrySchedule)
  const total = waits?.reduce((sum, seconds) => sum + seconds, 0) ?? 0
  return (
    <Field
      label={t.form.retries}
      hint={waits?.length ? t.form.retriesSum(waits.length, duration(total * 1_000)) : t.form.retriesHint}
      error={errorAt('retrySchedule')}
    >
      {(control) => (
        <input
          {...control}
          className="input mono"
          autoComplete="off"
          spellCheck={false}
          placeholder="0s, 5s, 5m, 30m, 2h"
          value={draft.retrySchedule}
          onChange={(event) => onChange({ retrySchedule: event.target.value })}
        />
      )}
    </Field>
  )
}
