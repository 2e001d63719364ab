import { useState } from 'react'
import type { Endpoint } from '../api-types.ts'
import { ask } from '../http.ts'
import { Button } from '../parts/button.tsx'
import { ProblemNote } from '../parts/problem-note.tsx'
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
        <p>The receiver has answered. From now on, events are sent to it.</p>
      </div>
    )
  }
  return (
    <>
      <div className="note warn" role="status">
        <p>
          Nothing is sent to this endpoint until its receiver has proved that it is yours. Give the receiver
          the {endpoint.signature === 'hmac' ? 'signing secret' : 'public key'} of this endpoint, then verify:
          we send it one signed request, <code>Webhook.Challenge</code>, and it answers with the token in it.{' '}
          <code>@x/receiver</code> does so by itself.
        </p>
        {role === 'manager' && (
          <Button kind="primary" isBusy={verifying.isBusy} onClick={verifying.run}>
            Verify
          </Button>
        )}
      </div>
      <ProblemNote problem={verifying.problem} />
    </>
  )
}
