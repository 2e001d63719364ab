import type { Endpoint } from '../api-types.ts'
import { fullTime } from '../format.ts'
import { Badge } from '../parts/badge.tsx'
import { Field } from '../parts/field.tsx'
import { t } from '../preferences.ts'
import { type EndpointDraft, isEncryptedKey } from './endpoint-draft.ts'
import type { FieldsProps } from './endpoint-form-more.tsx'

type Certificate = NonNullable<Endpoint['clientCertificate']>

const CHANGES = ['keep', 'replace', 'remove'] as const satisfies readonly EndpointDraft['certificateChange'][]
const SOON_MS = 30 * 24 * 3_600_000

/** What is shown of a certificate: whose it is, until when, and what tells it from others. */
export function CertificateFacts({ certificate }: { readonly certificate: Certificate }) {
  const { subject, fingerprint, expiresOn } = certificate
  const left = Date.parse(expiresOn) - Date.now()
  return (
    <div className="stack-tight">
      <div className="anywhere">{subject}</div>
      <div className="row">
        <span>{t.settings.certificateUntil(fullTime(expiresOn))}</span>
        {left <= 0 && <Badge tone="bad">{t.settings.certificateExpired}</Badge>}
        {left > 0 && left < SOON_MS && <Badge tone="warn">{t.settings.certificateExpires}</Badge>}
      </div>
      <div className="hint">
        {t.settings.fingerprint} <span className="mono anywhere">{fingerprint}</span>
      </div>
    </div>
  )
}

interface CertificateFieldsProps extends FieldsProps {
  /** The one that is stored. */
  readonly certificate: Certificate | undefined
}

/** What requests show of themselves, where the receiver wants to see it. */
export function CertificateFields({ draft, errorAt, onChange, certificate }: CertificateFieldsProps) {
  const { certificateChange } = draft
  const change = (chosen: EndpointDraft['certificateChange']) =>
    // What was typed goes with the fields that it stood in.
    onChange({ certificateChange: chosen, certificate: '', certificateKey: '', certificatePassphrase: '' })
  const pem = (name: 'certificate' | 'certificateKey', label: string, hint: string, error?: string) => (
    <Field label={label} hint={hint} error={error}>
      {(control) => (
        <textarea
          {...control}
          className="input mono"
          rows={3}
          autoComplete="off"
          spellCheck={false}
          placeholder={name === 'certificate' ? '-----BEGIN CERTIFICATE-----' : '-----BEGIN PRIVATE KEY-----'}
          value={draft[name]}
          onChange={(event) => onChange({ [name]: event.target.value })}
        />
      )}
    </Field>
  )
  return (
    <fieldset className="stack">
      <legend>{t.form.certificate}</legend>
      {certificate && (
        <>
          <CertificateFacts certificate={certificate} />
          <div className="row" role="radiogroup" aria-label={t.form.certificate}>
            {CHANGES.map((one) => (
              <label className="check" key={one}>
                <input
                  type="radio"
                  name="certificate-change"
                  checked={certificateChange === one}
                  onChange={() => change(one)}
                />
                <span>{t.form.certificateChanges[one]}</span>
              </label>
            ))}
          </div>
        </>
      )}
      {(!certificate || certificateChange === 'replace') && (
        <>
          {pem('certificate', t.form.certificatePem, t.form.certificateHint, errorAt('clientCertificate'))}
          {pem('certificateKey', t.form.certificateKey, t.form.certificateKeyHint, errorAt('certificateKey'))}
          {isEncryptedKey(draft.certificateKey) && (
            <Field
              label={t.form.certificatePassphrase}
              hint={t.form.certificatePassphraseHint}
              error={errorAt('certificatePassphrase')}
            >
              {(control) => (
                <input
                  {...control}
                  className="input"
                  type="password"
                  autoComplete="new-password"
                  value={draft.certificatePassphrase}
                  onChange={(event) => onChange({ certificatePassphrase: event.target.value })}
                />
              )}
            </Field>
          )}
        </>
      )}
    </fieldset>
  )
}
