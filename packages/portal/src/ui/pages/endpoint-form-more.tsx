import { Field } from '../parts/field.tsx'
import { type EndpointDraft, FORMATS } from './endpoint-draft.ts'

interface FieldsProps {
  readonly draft: EndpointDraft
  readonly errorAt: (field: string) => string | undefined
  readonly onChange: (changed: Partial<EndpointDraft>) => void
}

const ORDERINGS = [
  ['none', 'As they come, several at once'],
  ['fifo', 'Strictly one after the other'],
  ['entity', 'One after the other for each entity'],
]

/** Whether messages are sent, or read. */
export function DeliveryField({ draft, onChange }: FieldsProps) {
  return (
    <Field
      label="Delivery"
      hint={
        draft.isPull
          ? 'Your application reads the messages by their numbers, with an API key. A URL may be given later.'
          : undefined
      }
    >
      {(control) => (
        <select
          {...control}
          className="input"
          value={draft.isPull ? 'pull' : 'push'}
          onChange={(event) => onChange({ isPull: event.target.value === 'pull' })}
        >
          <option value="push">Sent to a URL, as webhooks</option>
          <option value="pull">Pull: kept until they are read</option>
        </select>
      )}
    </Field>
  )
}

/** Order and pace. */
export function PaceFields({ draft, errorAt, onChange }: FieldsProps) {
  const { ordering, concurrency, rateLimit, ratePerSeconds } = draft
  const isOwn = !ORDERINGS.some(([value]) => value === ordering)
  return (
    <fieldset className="stack">
      <legend>Order and pace</legend>
      <Field
        label="Order"
        hint="In order, a request that fails holds up those behind it until it succeeds or is given up."
        error={errorAt('ordering')}
      >
        {(control) => (
          <select
            {...control}
            className="input"
            value={ordering}
            onChange={(event) => onChange({ ordering: event.target.value })}
          >
            {ORDERINGS.map(([value, title]) => (
              <option key={value} value={value}>
                {title}
              </option>
            ))}
            {isOwn && <option value={ordering}>By {ordering}</option>}
          </select>
        )}
      </Field>
      <div className="pair">
        <Field label="Requests at once, at most" hint="1 to 64" error={errorAt('concurrency')}>
          {(control) => (
            <input
              {...control}
              className="input"
              inputMode="numeric"
              value={concurrency}
              onChange={(event) => onChange({ concurrency: event.target.value })}
            />
          )}
        </Field>
        <Field label="Rate limit" hint="Requests; empty for none" error={errorAt('rateLimit')}>
          {(control) => (
            <input
              {...control}
              className="input"
              inputMode="numeric"
              placeholder="none"
              value={rateLimit}
              onChange={(event) => onChange({ rateLimit: event.target.value })}
            />
          )}
        </Field>
        {rateLimit.trim() !== '' && (
          <Field label="In any" hint="Seconds">
            {(control) => (
              <input
                {...control}
                className="input"
                inputMode="numeric"
                value={ratePerSeconds}
                onChange={(event) => onChange({ ratePerSeconds: event.target.value })}
              />
            )}
          </Field>
        )}
      </div>
    </fieldset>
  )
}

/** What the body looks like. */
export function FormatField({ draft, errorAt, onChange }: FieldsProps) {
  return (
    <Field label="Format" error={errorAt('format')}>
      {(control) => (
        <select
          {...control}
          className="input"
          value={draft.format}
          onChange={(event) => onChange({ format: event.target.value as EndpointDraft['format'] })}
        >
          {FORMATS.map(([value, title]) => (
            <option key={value} value={value}>
              {title}
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
    <details>
      <summary>Signature</summary>
      <fieldset className="stack">
        <legend className="visually-hidden">Signature</legend>
        <Field
          label="Kind"
          hint="With a key pair, whoever verifies cannot sign."
          error={errorAt('signature')}
        >
          {(control) => (
            <select
              {...control}
              className="input"
              value={signature}
              onChange={(event) => onChange({ signature: event.target.value as EndpointDraft['signature'] })}
            >
              <option value="hmac">Shared secret (HMAC-SHA256)</option>
              <option value="ed25519">Key pair (Ed25519)</option>
            </select>
          )}
        </Field>
        <Field
          label="A secret of your own"
          hint="Empty: a new one is made. It begins with whsec_, or whsk_ for a key pair."
          error={errorAt('secret')}
        >
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
    </details>
  )
}

/** What requests show of themselves, where the receiver wants to see it. */
export function CertificateFields({ draft, errorAt, onChange }: FieldsProps) {
  const { certificate, certificateKey, hasCertificate, removesCertificate } = draft
  const error = errorAt('clientCertificate')
  return (
    <details open={error !== undefined || undefined}>
      <summary>Client certificate</summary>
      <fieldset className="stack">
        <legend className="visually-hidden">Client certificate</legend>
        <Field
          label={hasCertificate ? 'Another certificate (PEM)' : 'Certificate (PEM)'}
          hint="For receivers that want one (mutual TLS). Empty: nothing changes."
          error={error}
        >
          {(control) => (
            <textarea
              {...control}
              className="input mono"
              rows={3}
              autoComplete="off"
              spellCheck={false}
              value={certificate}
              onChange={(event) => onChange({ certificate: event.target.value })}
            />
          )}
        </Field>
        <Field label="Its private key (PEM)" hint="It is stored encrypted, and never shown again.">
          {(control) => (
            <textarea
              {...control}
              className="input mono"
              rows={3}
              autoComplete="off"
              spellCheck={false}
              value={certificateKey}
              onChange={(event) => onChange({ certificateKey: event.target.value })}
            />
          )}
        </Field>
        {hasCertificate && (
          <label className="check">
            <input
              type="checkbox"
              checked={removesCertificate}
              onChange={(event) => onChange({ removesCertificate: event.target.checked })}
            />
            <span>Remove the certificate</span>
          </label>
        )}
      </fieldset>
    </details>
  )
}
