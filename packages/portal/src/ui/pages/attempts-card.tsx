import { type RefObject, useState } from 'react'
import type { DeliveryAttempt, DeliveryDetails, Page } from '../api-types.ts'
import { duration, prettyJson } from '../format.ts'
import { Badge } from '../parts/badge.tsx'
import { Button } from '../parts/button.tsx'
import { Card } from '../parts/card.tsx'
import { Code } from '../parts/code.tsx'
import { CopyButton } from '../parts/copy-button.tsx'
import { Dialog } from '../parts/dialog.tsx'
import { Empty } from '../parts/empty.tsx'
import { Pager, usePages } from '../parts/pager.tsx'
import { ResourceView } from '../parts/resource-view.tsx'
import { Time } from '../parts/time.tsx'
import { t } from '../preferences.ts'
import { attemptErrorText } from '../problem-text.ts'
import { resultText } from '../reason-text.ts'
import { curlCommand, receiverTest, sendAgainCommand, verifyCommand } from '../request-commands.ts'
import { type Resource, useResource } from '../resources.ts'
import { Comparison } from './attempt-comparison.tsx'
import { Timings } from './attempt-timings.tsx'

interface AttemptsCardProps {
  readonly delivery: DeliveryDetails
  readonly isRevealed: boolean
  /** Shows the values of headers that are masked, or masks them again; undefined for those who may not see them. */
  readonly onReveal: (() => void) | undefined
}

/** Every attempt, newest first, with its request and its response; the page stands in the address. */
export function AttemptsCard({ delivery, isRevealed, onReveal }: AttemptsCardProps) {
  const { body, attemptCount } = delivery
  const pages = usePages()
  const resource = useAttempts(delivery, pages.before, isRevealed)
  const attempts = resource.data?.items ?? []
  const [isComparing, setComparing] = useState(false)
  const compare = attempts.length > 1 && (
    <Button slim onClick={() => setComparing(true)}>
      {t.attempt.compare}
    </Button>
  )
  return (
    <Card title={t.delivery.attempts} isFlush actions={compare}>
      <div tabIndex={-1} ref={pages.list as RefObject<HTMLDivElement | null>}>
        <ResourceView resource={resource}>
          {({ items, next }) => (
            <>
              {items.length === 0 ? (
                <Empty title={t.delivery.noAttemptYet}>
                  <p>{t.delivery.noAttemptAbout}</p>
                </Empty>
              ) : (
                <ol className="attempts" aria-label={t.counts.attempts(items.length)}>
                  {items.map((attempt, index) => (
                    <Attempt
                      key={attempt.number}
                      attempt={attempt}
                      body={body}
                      isNewest={index === 0 && pages.before === undefined}
                      isRevealed={isRevealed}
                      onReveal={onReveal}
                    />
                  ))}
                </ol>
              )}
              {items.length > 0 && items.length < attemptCount && (
                <p className="card-body small quiet">
                  {t.attempt.shown(items.at(-1)?.number ?? 0, items[0]?.number ?? 0, attemptCount)}
                </p>
              )}
              <Pager pages={pages} next={next} />
            </>
          )}
        </ResourceView>
      </div>
      {isComparing && (
        <Dialog title={t.attempt.compareTitle} onClose={() => setComparing(false)}>
          <Comparison attempts={attempts.toReversed()} />
          <div className="dialog-actions">
            <Button onClick={() => setComparing(false)}>{t.common.close}</Button>
          </div>
        </Dialog>
      )}
    </Card>
  )
}

/** A page of attempts; a delivery comes with the first. */
function useAttempts(
  { id, attempts, attemptCount }: DeliveryDetails,
  before: string | undefined,
  isRevealed: boolean,
): Resource<Page<DeliveryAttempt>> {
  const query = new URLSearchParams({ limit: '100', before: before ?? '' })
  if (isRevealed) query.set('revealHeaders', 'true')
  const path = `deliveries/${encodeURIComponent(id)}/attempts?${query}`
  const older = useResource<Page<DeliveryAttempt>>(before === undefined ? undefined : path)
  if (before !== undefined) return older
  const next = attempts.length < attemptCount ? attempts[0]?.number : undefined
  return {
    data: { items: attempts.toReversed(), next: next === undefined ? null : String(next) },
    problem: undefined,
  }
}

interface AttemptProps {
  readonly attempt: DeliveryAttempt
  /** What was sent. */
  readonly body: string
  readonly isNewest: boolean
  readonly isRevealed: boolean
  readonly onReveal: (() => void) | undefined
}

function Attempt({ attempt, body, isNewest, isRevealed, onReveal }: AttemptProps) {
  const { number, startedOn, durationMs, response, errorCode, request } = attempt
  const isStatus = errorCode === 'http_status' || errorCode === 'redirect' || errorCode === 'gone'
  return (
    <li className="stack">
      <div className="row apart">
        <div className="row">
          <h3>{t.delivery.attempt(number)}</h3>
          <Badge tone={errorCode ? 'bad' : 'good'}>{resultText(response?.status, errorCode)}</Badge>
        </div>
        <span className="small quiet">
          <Time at={startedOn} isExact />
          {` · ${duration(durationMs)}`}
        </span>
      </div>
      {errorCode !== undefined && (
        <p className="anywhere">
          {isStatus && response ? t.delivery.responded(response.status) : attemptErrorText(errorCode)}
        </p>
      )}
      {response && (
        <details open={isNewest && errorCode !== undefined && response.body !== ''}>
          <summary className="small">{t.attempt.response}</summary>
          <div className="stack-tight">
            <Headers headers={response.headers} label={t.attempt.responseHeaders(number)} />
            {response.omittedHeaders !== undefined && (
              <p className="hint">{t.attempt.omitted(response.omittedHeaders)}</p>
            )}
            {response.body === '' ? (
              <p className="hint">{t.attempt.noBody}</p>
            ) : (
              <Code
                text={prettyJson(response.body)}
                label={t.delivery.responseTo(number)}
                copy={response.body}
              />
            )}
          </div>
        </details>
      )}
      <details>
        <summary className="small">{t.attempt.request}</summary>
        <div className="stack-tight">
          <Code
            text={[`${request.method} ${request.url}`, ...linesOf(request.headers)].join('\n')}
            label={t.attempt.requestHeaders(number)}
          />
          {request.source === 'composed' && <p className="hint">{t.attempt.composed}</p>}
          <div className="row">
            <CopyButton text={curlCommand({ ...request, body })} title={t.attempt.asCurl} />
            <CopyButton text={receiverTest({ ...request, body })} title={t.attempt.asTest} />
            <CopyButton text={verifyCommand({ ...request, body })} title={t.attempt.asVerify} />
            <CopyButton text={sendAgainCommand({ ...request, body })} title={t.attempt.asSend} />
          </div>
          {onReveal && (isRevealed || request.maskedHeaders.length > 0) && (
            <div>
              <Button slim onClick={onReveal}>
                {isRevealed ? t.headers.hideValues : t.headers.showValues}
              </Button>
            </div>
          )}
        </div>
      </details>
      <Timings attempt={attempt} />
    </li>
  )
}

interface HeadersProps {
  readonly headers: Readonly<Record<string, string>> | undefined
  readonly label: string
}

function Headers({ headers, label }: HeadersProps) {
  if (headers === undefined) return <p className="hint">{t.attempt.headersNotKept}</p>
  const lines = linesOf(headers)
  return lines.length === 0 ? null : <Code text={lines.join('\n')} label={label} />
}

function linesOf(headers: Readonly<Record<string, string>>): string[] {
  return Object.entries(headers).map(([name, value]) => `${name}: ${value}`)
}
