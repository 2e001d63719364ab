import { useState } from 'react'
import type { Endpoint, EndpointKey, NewEndpointKey } from '../api-types.ts'
import { fullTime } from '../format.ts'
import { ask } from '../http.ts'
import { Button } from '../parts/button.tsx'
import { Card } from '../parts/card.tsx'
import { Code } from '../parts/code.tsx'
import { ConfirmDialog } from '../parts/confirm-dialog.tsx'
import { Dialog } from '../parts/dialog.tsx'
import { ProblemNote } from '../parts/problem-note.tsx'
import { ResourceView } from '../parts/resource-view.tsx'
import { t } from '../preferences.ts'
import { refresh, useResource } from '../resources.ts'
import { useAction } from '../use-action.ts'
import { OverlapField } from './overlap-field.tsx'

/** The keys that consumers read the endpoint's messages with: created, rotated and revoked. */
export function KeysCard({ endpoint }: { readonly endpoint: Endpoint }) {
  const path = `endpoints/${encodeURIComponent(endpoint.id)}`
  const resource = useResource<{ readonly items: readonly EndpointKey[] }>(`${path}/keys`)
  const [created, setCreated] = useState<NewEndpointKey>()
  const [asked, setAsked] = useState<{ readonly what: 'rotate' | 'revoke'; readonly key: EndpointKey }>()
  const take = (key: NewEndpointKey) => {
    setCreated(key)
    setAsked(undefined)
    refresh(`${path}/keys`)
  }
  const creating = useAction(async () => take(await ask<NewEndpointKey>('POST', `${path}/keys`)))
  return (
    <Card title={t.keys.title}>
      <p className="small quiet">{t.keys.about}</p>
      {created && (
        <div className="note" role="status">
          <p>{t.keys.shownOnce(created.prefix)}</p>
          <Code text={created.key} label={t.keys.key} copy={created.key} />
          <Button onClick={() => setCreated(undefined)}>{t.keys.done}</Button>
        </div>
      )}
      <ResourceView resource={resource}>
        {({ items }) => (
          <ul className="plain stack">
            {items.map((key) => (
              <li key={key.id} className="stack-tight">
                <span className="mono">{key.prefix}…</span>
                <span className="small quiet">{aboutKey(key)}</span>
                <div className="row">
                  {key.expiresOn === undefined && (
                    <Button slim onClick={() => setAsked({ what: 'rotate', key })}>
                      {t.keys.rotate}
                    </Button>
                  )}
                  <Button slim kind="danger" onClick={() => setAsked({ what: 'revoke', key })}>
                    {t.keys.revoke}
                  </Button>
                </div>
              </li>
            ))}
          </ul>
        )}
      </ResourceView>
      <div className="row">
        <Button isBusy={creating.isBusy} onClick={creating.run}>
          {t.keys.create}
        </Button>
      </div>
      <ProblemNote problem={creating.problem} />
      {asked?.what === 'rotate' && (
        <RotateKeyDialog
          path={path}
          replaced={asked.key}
          onClose={() => setAsked(undefined)}
          onRotated={take}
        />
      )}
      {asked?.what === 'revoke' && (
        <ConfirmDialog
          title={t.keys.revokeTitle}
          action={t.keys.revokeAction}
          act={async () => {
            await ask('POST', `${path}/revoke-key`, { keyId: asked.key.id })
            refresh(`${path}/keys`)
          }}
          onClose={() => setAsked(undefined)}
        >
          <p>{t.keys.revokeAbout(asked.key.prefix)}</p>
        </ConfirmDialog>
      )}
    </Card>
  )
}

function aboutKey({ createdOn, lastUsedOn, expiresOn }: EndpointKey): string {
  return [
    t.keys.created(fullTime(createdOn)),
    lastUsedOn === undefined ? t.keys.neverUsed : t.keys.lastUsed(fullTime(lastUsedOn)),
    ...(expiresOn === undefined ? [] : [t.keys.validUntil(fullTime(expiresOn))]),
  ].join(' · ')
}

interface RotateKeyProps {
  readonly path: string
  readonly replaced: EndpointKey
  readonly onClose: () => void
  readonly onRotated: (key: NewEndpointKey) => void
}

function RotateKeyDialog({ path, replaced, onClose, onRotated }: RotateKeyProps) {
  const [overlapSeconds, setOverlapSeconds] = useState(86_400)
  const rotating = useAction(async () => {
    const body = { keyId: replaced.id, overlapSeconds }
    onRotated(await ask<NewEndpointKey>('POST', `${path}/rotate-key`, body))
  })
  return (
    <Dialog title={t.keys.rotateTitle} onClose={onClose}>
      <p>{t.keys.rotateAbout(replaced.prefix)}</p>
      <OverlapField seconds={overlapSeconds} onChange={setOverlapSeconds} />
      <ProblemNote problem={rotating.problem} />
      <div className="dialog-actions">
        <Button onClick={onClose}>{t.common.keep}</Button>
        <Button kind="primary" isBusy={rotating.isBusy} onClick={rotating.run}>
          {t.keys.rotateAction}
        </Button>
      </div>
    </Dialog>
  )
}
