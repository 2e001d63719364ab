import { useState } from 'react'
import type { Endpoint } from '../api-types.ts'
import { ask } from '../http.ts'
import { Button } from '../parts/button.tsx'
import { ProblemNote } from '../parts/problem-note.tsx'
import { Prose } from '../parts/prose.tsx'
import { t } from '../preferences.ts'
import { useUser } from '../session.ts'
import { useAction } from '../use-action.ts'

/** What an endpoint waits for whose owner has not answered the challenge, and the button that asks. */
export function VerifyNote({ endpoint }: { readonly endpoint: Endpoint }) {
  const { role } = useUser()
  const [verified, setVerified] = useState(false)
  const verifying = useAction(async () => {
    await ask('POST', `endpoints/${encodeURIComponent(endpoint.id)}/verify`)
    setVerified(true)
  })
  if (verified) {
    return (
      <div className="note" role="status">
        <p>{t.verify.done}</p>
      </div>
    )
  }
  return (
    <>
      <div className="note warn" role="status">
        <p>
          <Prose text={t.verify.about(endpoint.signature)} />
        </p>
        {role === 'manager' && (
          <Button kind="primary" isBusy={verifying.isBusy} onClick={verifying.run}>
            {t.verify.action}
          </Button>
        )}
      </div>
      <ProblemNote problem={verifying.problem} />
    </>
  )
}
