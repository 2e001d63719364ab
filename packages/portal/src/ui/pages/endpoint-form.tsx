import { type FormEvent, type ReactNode, useEffect, useRef, useState } from 'react'
import type { Endpoint } from '../api-types.ts'
import { useLeaveGuard } from '../leave-guard.ts'
import { Button } from '../parts/button.tsx'
import { Disclosure } from '../parts/disclosure.tsx'
import { EventTypePicker } from '../parts/event-type-picker.tsx'
import { Field } from '../parts/field.tsx'
import { LeaveDialog } from '../parts/leave-dialog.tsx'
import { NamedValues } from '../parts/named-values.tsx'
import { ProblemNote } from '../parts/problem-note.tsx'
import { t } from '../preferences.ts'
import { problemText } from '../problem-text.ts'
import { useUser } from '../session.ts'
import { useAction } from '../use-action.ts'
import {
  ADVANCED_FIELDS,
  type EndpointDraft,
  formFieldOf,
  isFormField,
  isInsecure,
  urlProblem,
} from './endpoint-draft.ts'
import { CertificateFields } from './endpoint-form-certificate.tsx'
import { DeliveryField, FormatField, PaceFields, SignatureFields } from './endpoint-form-more.tsx'
import { RetryField } from './endpoint-form-retries.tsx'
import { FilterField } from './filter-field.tsx'
import { TryEndpoint, useTry } from './try-endpoint.tsx'

interface EndpointFormProps {
  readonly initial: EndpointDraft
  /** As it is stored; undefined for a new one. */
  readonly endpoint?: Endpoint
  readonly submit: string
  readonly cancelTo: string
  readonly save: (draft: EndpointDraft) => Promise<unknown>
  /** Stands above the buttons: that somebody else has changed the endpoint. */
  readonly conflict?: ReactNode
}

/** Makes or changes an endpoint. */
export function EndpointForm({ initial, endpoint, submit, cancelTo, save, conflict }: EndpointFormProps) {
  const isNew = endpoint === undefined
  const { verifiesOwnership } = useUser()
  const [draft, setDraft] = useState(initial)
  const [isUrlLeft, setUrlLeft] = useState(false)
  const form = useRef<HTMLFormElement>(null)
  const guard = useLeaveGuard(JSON.stringify(draft) !== JSON.stringify(initial))
  const trying = useTry(draft, endpoint)
  const saving = useAction(async () => {
    trying.forget()
    guard.release(true)
    try {
      await save(draft)
    } catch (problem) {
      guard.release(false)
      throw problem
    }
  })
  const problem = saving.problem ?? trying.problem
  const change = (changed: Partial<EndpointDraft>) => setDraft({ ...draft, ...changed })
  const errorAt = (field: string) =>
    problem && formFieldOf(problem) === field ? problemText(problem) : undefined
  useEffect(() => {
    if (!problem) return
    // The first field with an error.
    form.current?.querySelector<HTMLElement>('[aria-invalid], fieldset:has(> .field-error) input')?.focus()
  }, [problem])
  const onSubmit = (event: FormEvent) => {
    event.preventDefault()
    void saving.run()
  }
  return (
    <form className="card card-body form" ref={form} onSubmit={onSubmit} noValidate>
      {(isNew || initial.isPull) && <DeliveryField draft={draft} errorAt={errorAt} onChange={change} />}
      {!draft.isPull && (
        <Field
          label={t.form.url}
          error={errorAt('url') ?? (isUrlLeft ? urlProblem(draft.url) : undefined)}
          hint={isInsecure(draft.url) ? t.form.urlInsecure : t.form.urlHint}
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
      <Field label={t.form.description} hint={t.form.descriptionHint} error={errorAt('description')}>
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
        <NamedValues
          texts={t.headers}
          rows={draft.headers}
          error={errorAt('headers')}
          onChange={(headers) => change({ headers })}
        />
      )}
      <Advanced draft={draft} errorAt={errorAt} onChange={change} endpoint={endpoint} />
      {isNew && !draft.isPull && !verifiesOwnership && (
        <label className="check">
          <input
            type="checkbox"
            checked={draft.verifyOwnership}
            onChange={(event) => change({ verifyOwnership: event.target.checked })}
          />
          <span>{t.form.verify}</span>
        </label>
      )}
      {!draft.isPull && (
        <TryEndpoint
          trying={trying}
          onTry={() => {
            saving.forget()
            void trying.run()
          }}
        />
      )}
      {conflict}
      <ProblemNote problem={saving.problem} takesFocus except={isShownElsewhere} />
      <div className="form-actions">
        <Button kind="primary" type="submit" isBusy={saving.isBusy}>
          {submit}
        </Button>
        <a className="button" href={cancelTo}>
          {t.common.cancel}
        </a>
      </div>
      <LeaveDialog guard={guard} />
    </form>
  )
}

interface AdvancedProps {
  readonly draft: EndpointDraft
  readonly errorAt: (field: string) => string | undefined
  readonly onChange: (changed: Partial<EndpointDraft>) => void
  /** Undefined for a new one. */
  readonly endpoint: Endpoint | undefined
}

/** What few endpoints need; open where something in it is wrong. */
function Advanced({ draft, errorAt, onChange, endpoint }: AdvancedProps) {
  const hasError = ADVANCED_FIELDS.some((field) => errorAt(field) !== undefined)
  const fields = { draft, errorAt, onChange }
  return (
    <Disclosure className="advanced" opens={hasError}>
      <summary>{t.form.advanced}</summary>
      <div className="stack">
        {!draft.isPull && <PaceFields {...fields} />}
        {!draft.isPull && <RetryField {...fields} />}
        <FormatField {...fields} />
        {!endpoint && <SignatureFields {...fields} />}
        {!draft.isPull && (
          <label className="check">
            <input
              type="checkbox"
              checked={draft.sequence}
              onChange={(event) => onChange({ sequence: event.target.checked })}
            />
            <span>{t.form.sequence}</span>
          </label>
        )}
        {!draft.isPull && <CertificateFields {...fields} certificate={endpoint?.clientCertificate} />}
        <NamedValues
          texts={t.metadata}
          rows={draft.metadata}
          error={errorAt('metadata')}
          onChange={(metadata) => onChange({ metadata })}
        />
      </div>
    </Disclosure>
  )
}

/** Fields show their own problems; that of the version is the conflict. */
function isShownElsewhere(field: string): boolean {
  return field === 'version' || isFormField(field)
}
