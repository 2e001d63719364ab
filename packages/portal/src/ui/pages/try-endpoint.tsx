import { useState } from 'react'
import type { Endpoint, TriedEndpoint } from '../api-types.ts'
import { duration } from '../format.ts'
import { ask } from '../http.ts'
import { Button } from '../parts/button.tsx'
import { ProblemNote } from '../parts/problem-note.tsx'
import { t } from '../preferences.ts'
import { useUser } from '../session.ts'
import { type Action, useAction } from '../use-action.ts'
import { type EndpointDraft, isFormField, tryOf, untriedReason } from './endpoint-draft.ts'
import { Outcome } from './test-card.tsx'

/** A try of an endpoint as it is being typed. */
export interface Try extends Action {
  readonly result: TriedEndpoint | undefined
  /** Whether what was tried has been changed since. */
  readonly isStale: boolean
  /** Why it cannot be tried yet. */
  readonly reason: ReturnType<typeof untriedReason>
}

/** Sends tests to an endpoint as it is being typed, which save nothing. */
export function useTry(draft: EndpointDraft, endpoint: Endpoint | undefined): Try {
  const { verifiesOwnership } = useUser()
  const [tried, setTried] = useState<{ readonly body: string; readonly result: TriedEndpoint }>()
  const body = tryOf(draft, endpoint?.id)
  const trying = useAction(async () => {
    setTried(undefined)
    setTried({
      body: JSON.stringify(body),
      result: await ask<TriedEndpoint>('POST', 'endpoints/try', body),
    })
  })
  return {
    ...trying,
    result: tried?.result,
    isStale: tried !== undefined && tried.body !== JSON.stringify(body),
    reason: untriedReason(draft, endpoint, verifiesOwnership),
  }
}

interface TryEndpointProps {
  readonly trying: Try
  readonly onTry: () => void
}

/** The button that tests what is being typed, or why there is none, and what has come of it. */
export function TryEndpoint({ trying, onTry }: TryEndpointProps) {
  const { result, reason, problem, isBusy, isStale } = trying
  if (reason) return <p className="note">{t.test.untried[reason]}</p>
  return (
    <div className="stack">
      <div>
        <Button slim isBusy={isBusy} onClick={onTry}>
          {t.test.try}
        </Button>
      </div>
      <ProblemNote problem={problem} except={isFormField} />
      <div role="status">
        {result && (
          <div className="stack">
            {isStale && <p className="quiet">{t.test.stale}</p>}
            <div className="row">
              <strong>{result.succeeded ? t.test.worked : t.test.failed}</strong>
              {result.attempt.response && <span>{`HTTP ${result.attempt.response.status}`}</span>}
              <span className="quiet">{duration(result.attempt.durationMs)}</span>
            </div>
            <Outcome attempt={result.attempt} />
          </div>
        )}
      </div>
    </div>
  )
}
