import { Send, Trash2 } from 'lucide-react'
import { useEffect, useId, useRef, useState } from 'react'
import type { Alerts, AlertTest } from '../api-types.ts'
import { duration } from '../format.ts'
import { ask, type Problem } from '../http.ts'
import { useLeaveGuard } from '../leave-guard.ts'
import { Button } from '../parts/button.tsx'
import { Card } from '../parts/card.tsx'
import { ConflictNote } from '../parts/conflict-note.tsx'
import { Field, FieldError } from '../parts/field.tsx'
import { LeaveDialog } from '../parts/leave-dialog.tsx'
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
/** What is set here, and the card or field where that is. */
const SETTINGS = {
  on: () => t.alerts.when,
  quietSeconds: () => t.alerts.quiet,
  locale: () => t.alerts.language,
  timeZone: () => t.alerts.timeZone,
  to: () => t.alerts.whom,
} as const

type Target = Alerts['to'][number]
type Settings = Pick<Alerts, keyof typeof SETTINGS>

/** What the tenant is notified of, and who is. */
export function AlertsPage() {
  return (
    <>
      <PageHead title={t.shell.alerts} about={t.alerts.about} />
      <ResourceView resource={useResource<Alerts>('alerts')}>
        {(alerts) => <AlertsForm latest={alerts} />}
      </ResourceView>
    </>
  )
}

interface DraftTarget extends Target {
  readonly key: number
}

/** The settings while they are edited. */
interface Draft extends Omit<Settings, 'to'> {
  readonly to: readonly DraftTarget[]
}

function draftOf(alerts: Alerts): Draft {
  // Whoever begins is proposed what they read the pages in.
  const isUnset = alerts.on.length + alerts.to.length === 0
  const { locale, timeZone } = isUnset ? currentPreferences() : alerts
  const { on, quietSeconds } = alerts
  return { on, quietSeconds, locale, timeZone, to: alerts.to.map((target, key) => ({ ...target, key })) }
}

/** As the API wants them. */
function settingsOf({ on, quietSeconds, locale, timeZone, to }: Draft): Settings {
  const targets = to.map(({ kind, address = '', url = '' }) =>
    kind === 'email' ? { kind, address } : { kind, url },
  )
  return { on, quietSeconds, locale, timeZone, to: targets }
}

/** What is another in `after` than in `before`. */
function changesOf(before: Settings, after: Settings): Partial<Settings> {
  const text = (settings: Settings, name: keyof Settings) =>
    JSON.stringify(name === 'on' ? settings.on.toSorted() : settings[name])
  const names = Object.keys(SETTINGS) as (keyof Settings)[]
  return Object.fromEntries(
    names.filter((name) => text(before, name) !== text(after, name)).map((name) => [name, after[name]]),
  )
}

function AlertsForm({ latest }: { readonly latest: Alerts }) {
  const isManager = useUser().role === 'manager'
  // What the person has seen: changes are counted from there, since others may change the settings meanwhile.
  const [seen, setSeen] = useState(latest)
  const [draft, setDraft] = useState(() => draftOf(latest))
  // Heard before the last save, so that it says nothing of what there is now.
  const [outdated, setOutdated] = useState<Alerts>()
  const [zones] = useState(timeZones)
  const [isSaved, setSaved] = useState(false)
  const [tests, setTests] = useState<readonly AlertTest[]>()
  const settings = settingsOf(draft)
  const isChanged = Object.keys(changesOf(settingsOf(draftOf(seen)), settings)).length > 0
  const theirs = latest === outdated ? [] : Object.keys(changesOf(seen, latest))
  const guard = useLeaveGuard(isChanged)
  const start = (alerts: Alerts, edited = draftOf(alerts)) => {
    setSeen(alerts)
    setDraft(edited)
  }
  if (theirs.length > 0 && !isChanged) start(latest)
  const saving = useAction(async () => {
    setSaved(false)
    start(await ask<Alerts>('PATCH', 'alerts', changesOf(seen, settings)))
    setOutdated(latest)
    setSaved(true)
  })
  const edit = (changed: Partial<Draft>) => {
    setSaved(false)
    setDraft({ ...draft, ...changed })
  }
  const testing = useAction(async () => {
    setTests(undefined)
    const { to, locale } = settings
    setTests((await ask<{ items: readonly AlertTest[] }>('POST', 'alerts/test', { to, locale })).items)
  })
  const form = useRef<HTMLFormElement>(null)
  const [added, setAdded] = useState<number>()
  /** What was said of the recipients is about those of before. */
  const become = (changed: readonly DraftTarget[]) => {
    saving.forget()
    testing.forget()
    setTests(undefined)
    edit({ to: changed })
  }
  const change = (key: number, changed: Partial<Target>) =>
    become(draft.to.map((target) => (target.key === key ? { ...target, ...changed } : target)))
  const add = () => {
    const [kind = 'slack'] = latest.targetKinds
    const key = Math.max(-1, ...draft.to.map((target) => target.key)) + 1
    become([...draft.to, { kind, key }])
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
                checked={draft.on.includes(kind)}
                onChange={(event) => {
                  const others = draft.on.filter((one) => one !== kind)
                  edit({ on: event.target.checked ? [...others, kind] : others })
                }}
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
              value={draft.quietSeconds}
              onChange={(event) => edit({ quietSeconds: Number(event.target.value) })}
            >
              {[...new Set([...QUIET, seen.quietSeconds])].map((seconds) => (
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
              value={draft.locale}
              onChange={(event) => edit({ locale: event.target.value as Locale })}
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
              value={draft.timeZone}
              onChange={(event) => edit({ timeZone: event.target.value })}
            >
              {[...new Set([seen.timeZone, ...zones])].map((zone) => (
                <option key={zone} value={zone}>
                  {zone.replaceAll('_', ' ')}
                </option>
              ))}
            </select>
          )}
        </Field>
      </Card>
      <Card title={t.alerts.whom}>
        {draft.to.length === 0 && <p className="quiet">{t.alerts.nobody}</p>}
        {draft.to.map((target, index) => (
          <TargetRow
            key={target.key}
            target={target}
            number={index + 1}
            kinds={latest.targetKinds}
            takesFocus={target.key === added}
            problem={targetOf(wrong) === index ? wrong : undefined}
            onChange={(changed) => change(target.key, changed)}
            onRemove={isManager ? () => become(draft.to.filter(({ key }) => key !== target.key)) : undefined}
          />
        ))}
        {isManager && (
          <div className="row">
            {draft.to.length < MAX_TARGETS && (
              <Button slim onClick={add}>
                {t.alerts.add}
              </Button>
            )}
            {draft.to.length > 0 && (
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
      {theirs.length > 0 && isChanged && (
        <ConflictNote
          about={t.alerts.conflict}
          fields={theirs.map((name) => SETTINGS[name as keyof Settings]())}
          onLoadTheirs={() => start(latest)}
          onKeepMine={() => start(latest, { ...draftOf(latest), ...pick(draft, changesOf(seen, settings)) })}
        />
      )}
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
      <LeaveDialog guard={guard} />
    </form>
  )
}

/** Those of a draft's settings that were changed. */
function pick(draft: Draft, changed: Partial<Settings>): Partial<Draft> {
  return Object.fromEntries(Object.entries(draft).filter(([name]) => Object.hasOwn(changed, name)))
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
