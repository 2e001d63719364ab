import { Send, Trash2 } from 'lucide-react'
import { useEffect, useId, useRef, useState } from 'react'
import type { Alerts, AlertTest } from '../api-types.ts'
import { duration } from '../format.ts'
import { ask, type Problem } from '../http.ts'
import { Button } from '../parts/button.tsx'
import { Card } from '../parts/card.tsx'
import { Field, FieldError } from '../parts/field.tsx'
import { PageHead } from '../parts/page-head.tsx'
import { ProblemNote } from '../parts/problem-note.tsx'
import { ResourceView } from '../parts/resource-view.tsx'
import { currentPreferences, LOCALES, type Locale, t, timeZones } from '../preferences.ts'
import { problemText } from '../problem-text.ts'
import { useResource } from '../resources.ts'
import { useUser } from '../session.ts'
import { useAction } from '../use-action.ts'

const KINDS = ['failing', 'disabled', 'exhausted', 'recovered'] as const
const QUIET = [0, 600, 3_600, 6 * 3_600, 86_400] as const
const MAX_TARGETS = 10

type Target = Alerts['to'][number]

/** What the tenant is notified of, and who is. */
export function AlertsPage() {
  const resource = useResource<Alerts>('alerts')
  // What is typed must not be overwritten by what is heard meanwhile.
  const [first, setFirst] = useState<Alerts>()
  if (!first && resource.data) setFirst(resource.data)
  return (
    <>
      <PageHead title={t.shell.alerts} about={t.alerts.about} />
      <ResourceView resource={first ? { data: first, problem: resource.problem } : resource}>
        {(alerts) => <AlertsForm initial={alerts} />}
      </ResourceView>
    </>
  )
}

interface DraftTarget extends Target {
  readonly key: number
}

function AlertsForm({ initial }: { readonly initial: Alerts }) {
  const isManager = useUser().role === 'manager'
  const [on, setOn] = useState<readonly Alerts['on'][number][]>(initial.on)
  const [quietSeconds, setQuietSeconds] = useState(initial.quietSeconds)
  const [targets, setTargets] = useState<readonly DraftTarget[]>(
    initial.to.map((target, key) => ({ ...target, key })),
  )
  // Whoever begins is proposed what they read the pages in.
  const isUnset = initial.on.length + initial.to.length === 0
  const [locale, setLocale] = useState(isUnset ? currentPreferences().locale : initial.locale)
  const [timeZone, setTimeZone] = useState(isUnset ? currentPreferences().timeZone : initial.timeZone)
  const [zones] = useState(timeZones)
  const [isSaved, setSaved] = useState(false)
  const [tests, setTests] = useState<readonly AlertTest[]>()
  const to = targets.map(({ kind, address = '', url = '' }) =>
    kind === 'email' ? { kind, address } : { kind, url },
  )
  const saving = useAction(async () => {
    setSaved(false)
    await ask('PATCH', 'alerts', { on, quietSeconds, locale, timeZone, to })
    setSaved(true)
  })
  const testing = useAction(async () => {
    setTests(undefined)
    setTests((await ask<{ items: readonly AlertTest[] }>('POST', 'alerts/test', { to, locale })).items)
  })
  const form = useRef<HTMLFormElement>(null)
  const [added, setAdded] = useState<number>()
  /** What was said of the recipients is about those of before. */
  const become = (changed: readonly DraftTarget[]) => {
    saving.forget()
    testing.forget()
    setTests(undefined)
    setSaved(false)
    setTargets(changed)
  }
  const change = (key: number, changed: Partial<Target>) =>
    become(targets.map((target) => (target.key === key ? { ...target, ...changed } : target)))
  const add = () => {
    const [kind = 'slack'] = initial.targetKinds
    const key = Math.max(-1, ...targets.map((target) => target.key)) + 1
    become([...targets, { kind, key }])
    setAdded(key)
  }
  const wrong = [saving.problem, testing.problem].find((problem) => targetOf(problem) !== undefined)
  useEffect(() => {
    if (wrong) form.current?.querySelector<HTMLElement>('[aria-invalid]')?.focus()
  }, [wrong])
  return (
    <form
      className="stack form"
      ref={form}
      noValidate
      onSubmit={(event) => {
        event.preventDefault()
        void saving.run()
      }}
    >
      <Card title={t.alerts.when}>
        <fieldset>
          <legend className="visually-hidden">{t.alerts.when}</legend>
          {KINDS.map((kind) => (
            <label className="check" key={kind}>
              <input
                type="checkbox"
                disabled={!isManager}
                checked={on.includes(kind)}
                onChange={(event) =>
                  setOn(event.target.checked ? [...on, kind] : on.filter((one) => one !== kind))
                }
              />
              <span>{t.alerts.kinds[kind]}</span>
            </label>
          ))}
        </fieldset>
        <Field label={t.alerts.quiet} hint={t.alerts.quietHint}>
          {(control) => (
            <select
              {...control}
              className="input"
              disabled={!isManager}
              value={quietSeconds}
              onChange={(event) => setQuietSeconds(Number(event.target.value))}
            >
              {[...new Set([...QUIET, initial.quietSeconds])].map((seconds) => (
                <option key={seconds} value={seconds}>
                  {seconds === 0 ? t.alerts.noQuiet : duration(seconds * 1_000)}
                </option>
              ))}
            </select>
          )}
        </Field>
        <Field label={t.alerts.language}>
          {(control) => (
            <select
              {...control}
              className="input"
              disabled={!isManager}
              value={locale}
              onChange={(event) => setLocale(event.target.value as Locale)}
            >
              {Object.entries(LOCALES).map(([value, title]) => (
                <option key={value} value={value} lang={value}>
                  {title}
                </option>
              ))}
            </select>
          )}
        </Field>
        <Field label={t.alerts.timeZone}>
          {(control) => (
            <select
              {...control}
              className="input"
              disabled={!isManager}
              value={timeZone}
              onChange={(event) => setTimeZone(event.target.value)}
            >
              {[...new Set([initial.timeZone, ...zones])].map((zone) => (
                <option key={zone} value={zone}>
                  {zone.replaceAll('_', ' ')}
                </option>
              ))}
            </select>
          )}
        </Field>
      </Card>
      <Card title={t.alerts.whom}>
        {targets.length === 0 && <p className="quiet">{t.alerts.nobody}</p>}
        {targets.map((target, index) => (
          <TargetRow
            key={target.key}
            target={target}
            number={index + 1}
            kinds={initial.targetKinds}
            takesFocus={target.key === added}
            problem={targetOf(wrong) === index ? wrong : undefined}
            onChange={(changed) => change(target.key, changed)}
            onRemove={isManager ? () => become(targets.filter(({ key }) => key !== target.key)) : undefined}
          />
        ))}
        {isManager && (
          <div className="row">
            {targets.length < MAX_TARGETS && (
              <Button slim onClick={add}>
                {t.alerts.add}
              </Button>
            )}
            {targets.length > 0 && (
              <Button slim isBusy={testing.isBusy} onClick={testing.run}>
                <Send aria-hidden /> {t.alerts.test}
              </Button>
            )}
          </div>
        )}
        <ProblemNote problem={testing.problem} except={isOfTarget} />
        <div role="status">
          <ul>
            {tests?.map((test, index) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: a result is that of its row
              <li key={index}>{resultOf(test, index + 1)}</li>
            ))}
          </ul>
        </div>
      </Card>
      <ProblemNote problem={saving.problem} except={isOfTarget} takesFocus />
      {isManager && (
        <div className="form-actions">
          <Button kind="primary" type="submit" isBusy={saving.isBusy}>
            {t.edit.save}
          </Button>
          <span role="status" className="quiet">
            {isSaved && t.edit.saved}
          </span>
        </div>
      )}
    </form>
  )
}

const TARGET_FIELD = /^to\[(\d+)\]/

function isOfTarget(field: string): boolean {
  return TARGET_FIELD.test(field)
}

/** Which of the recipients a problem is about. */
function targetOf(problem: Problem | undefined): number | undefined {
  const [, index] = TARGET_FIELD.exec(problem?.field ?? '') ?? []
  return index === undefined ? undefined : Number(index)
}

function resultOf({ succeeded, status, errorCode = 'network_error' }: AlertTest, number: number): string {
  if (succeeded) return t.alerts.sent(number)
  const isStatus = errorCode === 'http_status' && status !== undefined
  return t.alerts.notSent(number, isStatus ? t.alerts.httpStatus(status) : t.alerts.errors[errorCode])
}

interface TargetRowProps {
  readonly target: Target
  readonly number: number
  readonly kinds: Alerts['targetKinds']
  readonly takesFocus: boolean
  readonly problem: Problem | undefined
  readonly onChange: (changed: Partial<Target>) => void
  readonly onRemove: (() => void) | undefined
}

function TargetRow({ target, number, kinds, takesFocus, problem, onChange, onRemove }: TargetRowProps) {
  const isMail = target.kind === 'email'
  const kind = useRef<HTMLSelectElement>(null)
  const errorId = useId()
  useEffect(() => {
    if (takesFocus) kind.current?.focus()
  }, [takesFocus])
  const error = problem && (isMail ? t.alerts.noAddress : problemText(problem))
  return (
    <div className="field">
      <div className="header-row">
        <select
          ref={kind}
          className="input"
          aria-label={t.alerts.kindOf(number)}
          disabled={onRemove === undefined}
          value={target.kind}
          onChange={(event) => onChange({ kind: event.target.value as Target['kind'] })}
        >
          {[...new Set([...kinds, target.kind])].map((kind) => (
            <option key={kind} value={kind}>
              {t.alerts.targets[kind]}
            </option>
          ))}
        </select>
        <input
          className="input"
          aria-label={t.alerts.addressOf(number)}
          type={isMail ? 'email' : 'url'}
          autoComplete="off"
          aria-invalid={error ? true : undefined}
          aria-describedby={error ? errorId : undefined}
          disabled={onRemove === undefined}
          placeholder={isMail ? 'oncall@example.com' : 'https://hooks.slack.com/…'}
          value={(isMail ? target.address : target.url) ?? ''}
          onChange={(event) =>
            onChange(isMail ? { address: event.target.value } : { url: event.target.value })
          }
        />
        {onRemove && (
          <Button kind="plain" label={t.alerts.remove(number)} onClick={onRemove}>
            <Trash2 aria-hidden />
          </Button>
        )}
      </div>
      <FieldError id={errorId} error={error} />
    </div>
  )
}
