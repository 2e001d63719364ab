import { Field } from '../parts/field.tsx'
import { t } from '../preferences.ts'
import { type EndpointDraft, FORMATS } from './endpoint-draft.ts'

/** What each part of the form gets. */
export interface FieldsProps {
  readonly draft: EndpointDraft
  readonly errorAt: (field: string) => string | undefined
  readonly onChange: (changed: Partial<EndpointDraft>) => void
}

const ORDERINGS = ['none', 'fifo', 'entity'] as const
type KnownOrdering = (typeof ORDERINGS)[number]

/** What an ordering is called. */
export function orderingText(ordering: string): string {
  const known = ORDERINGS.find((one) => one === ordering) as KnownOrdering | undefined
  return known === undefined ? t.orderings.by(ordering) : t.orderings[known]
}

/** Whether messages are sent, or read. */
export function DeliveryField({ draft, onChange }: FieldsProps) {
  return (
    <Field label={t.form.delivery} hint={draft.isPull ? t.form.pullHint : undefined}>
      {(control) => (
        <select
          {...control}
          className="input"
          value={draft.isPull ? 'pull' : 'push'}
          onChange={(event) => onChange({ isPull: event.target.value === 'pull' })}
        >
          <option value="push">{t.form.push}</option>
          <option value="pull">{t.form.pull}</option>
        </select>
      )}
    </Field>
  )
}

/** Order and pace. */
export function PaceFields({ draft, errorAt, onChange }: FieldsProps) {
  const { ordering, concurrency, rateLimit, ratePerSeconds } = draft
  const isOwn = !ORDERINGS.some((value) => value === ordering)
  const numeric = (
    name: 'concurrency' | 'rateLimit' | 'ratePerSeconds',
    value: string,
    label: string,
    hint: string,
  ) => (
    <Field label={label} hint={hint} error={errorAt(name)}>
      {(control) => (
        <input
          {...control}
          className="input"
          inputMode="numeric"
          value={value}
          onChange={(event) => onChange({ [name]: event.target.value })}
        />
      )}
    </Field>
  )
  return (
    <fieldset className="stack">
      <legend>{t.form.pace}</legend>
      <Field label={t.form.order} hint={t.form.orderHint} error={errorAt('ordering')}>
        {(control) => (
          <select
            {...control}
            className="input"
            value={ordering}
            onChange={(event) => onChange({ ordering: event.target.value })}
          >
            {ORDERINGS.map((value) => (
              <option key={value} value={value}>
                {orderingText(value)}
              </option>
            ))}
            {isOwn && <option value={ordering}>{orderingText(ordering)}</option>}
          </select>
        )}
      </Field>
      <div className="pair">
        {numeric('concurrency', concurrency, t.form.concurrency, t.form.concurrencyHint)}
        {numeric('rateLimit', rateLimit, t.form.rateLimit, t.form.rateLimitHint)}
        {rateLimit.trim() !== '' &&
          numeric('ratePerSeconds', ratePerSeconds, t.form.ratePer, t.form.ratePerHint)}
      </div>
    </fieldset>
  )
}

/** What the body looks like. */
export function FormatField({ draft, errorAt, onChange }: FieldsProps) {
  return (
    <Field label={t.form.format} error={errorAt('format')}>
      {(control) => (
        <select
          {...control}
          className="input"
          value={draft.format}
          onChange={(event) => onChange({ format: event.target.value as EndpointDraft['format'] })}
        >
          {FORMATS.map((value) => (
            <option key={value} value={value}>
              {t.formats[value]}
            </option>
          ))}
        </select>
      )}
    </Field>
  )
}

/** How requests are signed, which is decided once. */
export function SignatureFields({ draft, errorAt, onChange }: FieldsProps) {
  const { signature, secret } = draft
  return (
    <fieldset className="stack">
      <legend>{t.form.signature}</legend>
      <Field label={t.form.signatureKind} hint={t.form.signatureHint} error={errorAt('signature')}>
        {(control) => (
          <select
            {...control}
            className="input"
            value={signature}
            onChange={(event) => onChange({ signature: event.target.value as EndpointDraft['signature'] })}
          >
            <option value="hmac">{t.signature.hmac.kind}</option>
            <option value="ed25519">{t.signature.ed25519.kind}</option>
          </select>
        )}
      </Field>
      <Field label={t.secret.own} hint={t.form.secretHint} error={errorAt('secret')}>
        {(control) => (
          <input
            {...control}
            className="input mono"
            autoComplete="off"
            value={secret}
            onChange={(event) => onChange({ secret: event.target.value })}
          />
        )}
      </Field>
    </fieldset>
  )
}
