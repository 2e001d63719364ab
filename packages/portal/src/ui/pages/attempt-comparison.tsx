import { useState } from 'react'
import type { DeliveryAttempt } from '../api-types.ts'
import { duration, fullTime } from '../format.ts'
import { Field } from '../parts/field.tsx'
import { t } from '../preferences.ts'
import { resultText } from '../reason-text.ts'

/** Two attempts side by side; what differs is marked. */
export function Comparison({ attempts }: { readonly attempts: readonly DeliveryAttempt[] }) {
  const [first, setFirst] = useState(attempts.at(-2)?.number ?? 1)
  const [second, setSecond] = useState(attempts.at(-1)?.number ?? 1)
  const find = (number: number) => attempts.find((one) => one.number === number)
  const [one, other] = [rowsOf(find(first)), rowsOf(find(second))]
  const names = [...new Set([...one.keys(), ...other.keys()])]
  const choose = (label: string, value: number, onChange: (value: number) => void) => (
    <Field label={label}>
      {(control) => (
        <select
          {...control}
          className="input"
          value={value}
          onChange={(event) => onChange(Number(event.target.value))}
        >
          {attempts.map(({ number }) => (
            <option key={number} value={number}>
              {t.delivery.attempt(number)}
            </option>
          ))}
        </select>
      )}
    </Field>
  )
  return (
    <>
      <div className="pair">
        {choose(t.attempt.first, first, setFirst)}
        {choose(t.attempt.second, second, setSecond)}
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, also by the keyboard */}
      <section className="table-scroll" tabIndex={0} aria-label={t.attempt.compareTitle}>
        <table className="table comparison">
          <thead>
            <tr>
              <th scope="col">{t.attempt.what}</th>
              <th scope="col">{t.delivery.attempt(first)}</th>
              <th scope="col">{t.delivery.attempt(second)}</th>
            </tr>
          </thead>
          <tbody>
            {names.map((name) => (
              <tr key={name} className={one.get(name) === other.get(name) ? undefined : 'differs'}>
                <th scope="row">{name}</th>
                <td className="anywhere">{one.get(name)}</td>
                <td className="anywhere">{other.get(name)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </section>
    </>
  )
}

function rowsOf(attempt: DeliveryAttempt | undefined): ReadonlyMap<string, string> {
  if (!attempt) return new Map()
  const { startedOn, durationMs, response, errorCode, connection, request } = attempt
  const headers = (prefix: string, all: Readonly<Record<string, string>> = {}) =>
    Object.entries(all).map(([name, value]) => [`${prefix}: ${name}`, value] as const)
  return new Map([
    [t.attempt.started, fullTime(startedOn)],
    [t.attempt.result, resultText(response?.status, errorCode)],
    [t.attempt.duration, duration(durationMs)],
    [t.attempt.address, connection?.remoteAddress ?? ''],
    [t.form.url, request.url],
    ...headers(t.attempt.request, request.headers),
    ...headers(t.attempt.response, response?.headers),
    [t.delivery.responseBody, response?.body.slice(0, 500) ?? ''],
  ])
}
