import { useState } from 'react'
import type { Endpoint, EndpointSecrets } from '../api-types.ts'
import { fullTime } from '../format.ts'
import { ask } from '../http.ts'
import { Button } from '../parts/button.tsx'
import { Card } from '../parts/card.tsx'
import { Code } from '../parts/code.tsx'
import { Dialog } from '../parts/dialog.tsx'
import { Field } from '../parts/field.tsx'
import { ProblemNote } from '../parts/problem-note.tsx'
import { t } from '../preferences.ts'
import { problemText } from '../problem-text.ts'
import { useAction } from '../use-action.ts'
import { OverlapField } from './overlap-field.tsx'

/** The keys that messages are signed with: shown when they are asked for, and rotated. */
export function SecretsCard({ endpoint }: { readonly endpoint: Endpoint }) {
  const [shown, setShown] = useState<EndpointSecrets>()
  const [isRotating, setRotating] = useState(false)
  const path = `endpoints/${encodeURIComponent(endpoint.id)}`
  const load = async () => {
    setShown(await ask<EndpointSecrets>('GET', `${path}/secrets`))
  }
  const showing = useAction(load)
  const texts = t.signature[endpoint.signature]
  return (
    <Card title={texts.title}>
      {shown?.items.map(({ secret, createdOn, expiresOn }) => (
        <div className="stack-tight" key={secret}>
          <span className="small quiet">
            {expiresOn === undefined
              ? t.secret.since(fullTime(createdOn))
              : t.secret.previousUntil(fullTime(expiresOn))}
          </span>
          <Code
            text={secret}
            label={expiresOn === undefined ? texts.current : texts.previous}
            copy={secret}
          />
        </div>
      ))}
      {shown?.keysUrl && (
        <div className="stack-tight">
          <span className="small quiet">{t.secret.publishedAt}</span>
          <Code text={shown.keysUrl} label={t.secret.keysUrl} copy={shown.keysUrl} />
        </div>
      )}
      <div className="row">
        <Button
          isBusy={showing.isBusy}
          onClick={shown ? () => setShown(undefined) : () => void showing.run()}
        >
          {shown ? t.secret.hide : texts.show}
        </Button>
        <Button onClick={() => setRotating(true)}>{texts.rotate}</Button>
      </div>
      <ProblemNote problem={showing.problem} />
      {isRotating && (
        <RotateDialog
          path={path}
          title={texts.rotateTitle}
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
  readonly title: string
  readonly onClose: () => void
  readonly onRotated: () => Promise<void>
}

function RotateDialog({ path, title, onClose, onRotated }: RotateDialogProps) {
  const [overlapSeconds, setOverlapSeconds] = useState(86_400)
  const [secret, setSecret] = useState('')
  const rotating = useAction(async () => {
    const own = secret.trim() === '' ? {} : { secret: secret.trim() }
    await ask('POST', `${path}/rotate-secret`, { overlapSeconds, ...own })
    await onRotated()
  })
  const { problem } = rotating
  return (
    <Dialog title={title} onClose={onClose}>
      <p>{overlapSeconds === 0 ? t.secret.rotateAtOnce : t.secret.rotateOverlap}</p>
      <OverlapField seconds={overlapSeconds} onChange={setOverlapSeconds} />
      <Field
        label={t.secret.own}
        hint={t.secret.ownHint}
        error={problem?.field === 'secret' ? problemText(problem) : undefined}
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
      <ProblemNote problem={problem} except={(field) => field === 'secret'} />
      <div className="dialog-actions">
        <Button onClick={onClose}>{t.common.keep}</Button>
        <Button kind="primary" isBusy={rotating.isBusy} onClick={rotating.run}>
          {t.secret.rotateAction}
        </Button>
      </div>
    </Dialog>
  )
}
