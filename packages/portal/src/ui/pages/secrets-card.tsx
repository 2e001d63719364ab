import { useState } from 'react'
import type { Endpoint, EndpointSecret } from '../api-types.ts'
import { fullTime } from '../format.ts'
import { ask } from '../http.ts'
import { Button } from '../parts/button.tsx'
import { Card } from '../parts/card.tsx'
import { Code } from '../parts/code.tsx'
import { Dialog } from '../parts/dialog.tsx'
import { Field } from '../parts/field.tsx'
import { ProblemNote } from '../parts/problem-note.tsx'
import { Time } from '../parts/time.tsx'
import { useAction } from '../use-action.ts'
import { OverlapField } from './overlap-field.tsx'

/** The keys that messages are signed with: shown when they are asked for, and replaced. */
export function SecretsCard({ endpoint }: { readonly endpoint: Endpoint }) {
  const [secrets, setSecrets] = useState<readonly EndpointSecret[]>()
  const [isRotating, setRotating] = useState(false)
  const path = `endpoints/${encodeURIComponent(endpoint.id)}`
  const load = async () => {
    const { items } = await ask<{ items: readonly EndpointSecret[] }>('GET', `${path}/secrets`)
    setSecrets(items)
  }
  const showing = useAction(load)
  const what = endpoint.signature === 'hmac' ? 'secret' : 'public key'
  return (
    <Card title={endpoint.signature === 'hmac' ? 'Signing secret' : 'Public key'}>
      {secrets?.map(({ secret, createdOn, expiresOn }) => (
        <div className="stack-tight" key={secret}>
          <span className="small quiet">
            {expiresOn === undefined ? (
              `Since ${fullTime(createdOn)}`
            ) : (
              <>
                The one before: still signed with, until <Time at={expiresOn} />
              </>
            )}
          </span>
          <Code text={secret} label={expiresOn === undefined ? what : `former ${what}`} copy={secret} />
        </div>
      ))}
      <div className="row">
        {secrets ? (
          <Button onClick={() => setSecrets(undefined)}>Hide</Button>
        ) : (
          <Button isBusy={showing.isBusy} onClick={showing.run}>
            Show the {what}
          </Button>
        )}
        <Button onClick={() => setRotating(true)}>Replace it</Button>
      </div>
      <ProblemNote problem={showing.problem} />
      {isRotating && (
        <RotateDialog
          path={path}
          what={what}
          onClose={() => setRotating(false)}
          onRotated={async () => {
            setRotating(false)
            await load()
          }}
        />
      )}
    </Card>
  )
}

interface RotateDialogProps {
  readonly path: string
  readonly what: string
  readonly onClose: () => void
  readonly onRotated: () => Promise<void>
}

function RotateDialog({ path, what, onClose, onRotated }: RotateDialogProps) {
  const [overlapSeconds, setOverlapSeconds] = useState(86_400)
  const [secret, setSecret] = useState('')
  const rotating = useAction(async () => {
    const own = secret.trim() === '' ? {} : { secret: secret.trim() }
    await ask('POST', `${path}/rotate-secret`, { overlapSeconds, ...own })
    await onRotated()
  })
  return (
    <Dialog title={`Replace the ${what}?`} onClose={onClose}>
      <p>
        Meanwhile every request is signed with both, so that nothing is refused before your receiver knows the
        new one.
      </p>
      <OverlapField seconds={overlapSeconds} onChange={setOverlapSeconds} />
      <Field
        label="A secret of your own"
        hint="Empty: a new one is made."
        error={rotating.problem?.field === 'secret' ? rotating.problem.message : undefined}
      >
        {(control) => (
          <input
            {...control}
            className="input mono"
            autoComplete="off"
            value={secret}
            onChange={(event) => setSecret(event.target.value)}
          />
        )}
      </Field>
      <ProblemNote problem={rotating.problem} except={(field) => field === 'secret'} />
      <div className="dialog-actions">
        <Button onClick={onClose}>Keep it as it is</Button>
        <Button kind="primary" isBusy={rotating.isBusy} onClick={rotating.run}>
          Replace it
        </Button>
      </div>
    </Dialog>
  )
}
