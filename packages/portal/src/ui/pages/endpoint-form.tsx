import { type FormEvent, useRef, useState } from 'react'
import type { Problem } from '../http.ts'
import { Button } from '../parts/button.tsx'
import { EventTypePicker } from '../parts/event-type-picker.tsx'
import { Field } from '../parts/field.tsx'
import { HeaderRows } from '../parts/header-rows.tsx'
import { ProblemNote } from '../parts/problem-note.tsx'
import { useAction } from '../use-action.ts'
import { type EndpointDraft, isInsecure, urlProblem } from './endpoint-draft.ts'
import {
  CertificateFields,
  DeliveryField,
  FormatField,
  PaceFields,
  SignatureFields,
} from './endpoint-form-more.tsx'
import { FilterField } from './filter-field.tsx'

interface EndpointFormProps {
  readonly initial: EndpointDraft
  readonly isNew: boolean
  readonly submit: string
  readonly cancelTo: string
  readonly save: (draft: EndpointDraft) => Promise<unknown>
}

const FIELDS = [
  'url',
  'description',
  'eventTypes',
  'filter',
  'headers',
  'ordering',
  'concurrency',
  'rateLimit',
  'secret',
  'clientCertificate',
]

/** The problem of a field, or of a part of it: `headers.authorization`. */
function problemAt(problem: Problem | undefined, field: string): string | undefined {
  const at = problem?.field?.split(/[.[]/)[0]
  return at === field ? problem?.message : undefined
}

/** Makes or changes an endpoint. */
export function EndpointForm({ initial, isNew, submit, cancelTo, save }: EndpointFormProps) {
  const [draft, setDraft] = useState(initial)
  const [isUrlLeft, setUrlLeft] = useState(false)
  const form = useRef<HTMLFormElement>(null)
  const saving = useAction(() => save(draft))
  const change = (changed: Partial<EndpointDraft>) => setDraft({ ...draft, ...changed })
  const errorAt = (field: string) => problemAt(saving.problem, field)
  const onSubmit = async (event: FormEvent) => {
    event.preventDefault()
    await saving.run()
    // Focuses the first field with an error.
    form.current?.querySelector<HTMLElement>('[aria-invalid], fieldset:has(.field-error) input')?.focus()
  }
  return (
    <form className="card card-body form" ref={form} onSubmit={onSubmit} noValidate>
      {(isNew || initial.isPull) && <DeliveryField draft={draft} errorAt={errorAt} onChange={change} />}
      {!draft.isPull && (
        <Field
          label="URL"
          error={errorAt('url') ?? (isUrlLeft ? urlProblem(draft.url) : undefined)}
          hint={
            isInsecure(draft.url)
              ? 'Anybody on the way can read what is sent to http://. Prefer https://.'
              : 'Where your application takes webhooks.'
          }
        >
          {(control) => (
            <input
              {...control}
              className="input"
              type="url"
              inputMode="url"
              autoComplete="off"
              required
              placeholder="https://example.com/hook"
              value={draft.url}
              onChange={(event) => change({ url: event.target.value })}
              onBlur={() => setUrlLeft(true)}
            />
          )}
        </Field>
      )}
      <Field label="Description" hint="For you: what this endpoint is for." error={errorAt('description')}>
        {(control) => (
          <input
            {...control}
            className="input"
            value={draft.description}
            onChange={(event) => change({ description: event.target.value })}
          />
        )}
      </Field>
      <EventTypePicker
        value={draft.eventTypes}
        error={errorAt('eventTypes')}
        onChange={(eventTypes) => change({ eventTypes })}
      />
      <FilterField draft={draft} error={errorAt('filter')} onChange={change} />
      {!draft.isPull && (
        <>
          <HeaderRows
            rows={draft.headers}
            error={errorAt('headers')}
            onChange={(headers) => change({ headers })}
          />
          <PaceFields draft={draft} errorAt={errorAt} onChange={change} />
        </>
      )}
      <FormatField draft={draft} errorAt={errorAt} onChange={change} />
      {isNew && <SignatureFields draft={draft} errorAt={errorAt} onChange={change} />}
      {!draft.isPull && (
        <label className="check">
          <input
            type="checkbox"
            checked={draft.sequence}
            onChange={(event) => change({ sequence: event.target.checked })}
          />
          <span>Number the messages, so that what is missing is noticed and can be read</span>
        </label>
      )}
      {!draft.isPull && <CertificateFields draft={draft} errorAt={errorAt} onChange={change} />}
      {isNew && !draft.isPull && (
        <label className="check">
          <input
            type="checkbox"
            checked={draft.verifyOwnership}
            onChange={(event) => change({ verifyOwnership: event.target.checked })}
          />
          <span>Verify that the receiver is mine before anything is sent to it</span>
        </label>
      )}
      <ProblemNote
        problem={saving.problem}
        except={(field) => FIELDS.includes(field.split(/[.[]/)[0] ?? '')}
      />
      <div className="form-actions">
        <Button kind="primary" type="submit" isBusy={saving.isBusy}>
          {submit}
        </Button>
        <a className="button" href={cancelTo}>
          Cancel
        </a>
      </div>
    </form>
  )
}
