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
import { Time } from '../parts/time.tsx'
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
    <Card title="API keys">
      <p className="small quiet">
        With a key, your application reads the messages of this endpoint by their numbers: what it has missed,
        or all.
      </p>
      {created && (
        <div className="note" role="status">
          <p>The key {created.prefix}… is shown this once. Keep it where you keep passwords.</p>
          <Code text={created.key} label="API key" copy={created.key} />
          <Button onClick={() => setCreated(undefined)}>Done</Button>
        </div>
      )}
      <ResourceView resource={resource}>
        {({ items }) => (
          <ul className="plain stack">
            {items.map((key) => (
              <li key={key.id} className="stack-tight">
                <span className="mono">{key.prefix}…</span>
                <span className="small quiet">
                  Created {fullTime(key.createdOn)},{' '}
                  {key.lastUsedOn === undefined ? (
                    'never used'
                  ) : (
                    <>
                      last used <Time at={key.lastUsedOn} />
                    </>
                  )}
                  {key.expiresOn !== undefined && (
                    <>
                      , valid until <Time at={key.expiresOn} />
                    </>
                  )}
                </span>
                <div className="row">
                  {key.expiresOn === undefined && (
                    <Button onClick={() => setAsked({ what: 'rotate', key })}>Rotate</Button>
                  )}
                  <Button kind="danger" onClick={() => setAsked({ what: 'revoke', key })}>
                    Revoke
                  </Button>
                </div>
              </li>
            ))}
          </ul>
        )}
      </ResourceView>
      <div className="row">
        <Button isBusy={creating.isBusy} onClick={creating.run}>
          Create a key
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
          title="Revoke this key?"
          action="Revoke it"
          act={async () => {
            await ask('POST', `${path}/revoke-key`, { keyId: asked.key.id })
            refresh(`${path}/keys`)
          }}
          onClose={() => setAsked(undefined)}
        >
          <p>
            <span className="mono">{asked.key.prefix}…</span> reads nothing any more, from now on. This cannot
            be undone.
          </p>
        </ConfirmDialog>
      )}
    </Card>
  )
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
    <Dialog title="Rotate this key?" onClose={onClose}>
      <p>
        A new key takes the place of <span className="mono">{replaced.prefix}…</span>, which stays valid for a
        while.
      </p>
      <OverlapField seconds={overlapSeconds} onChange={setOverlapSeconds} />
      <ProblemNote problem={rotating.problem} />
      <div className="dialog-actions">
        <Button onClick={onClose}>Keep it as it is</Button>
        <Button kind="primary" isBusy={rotating.isBusy} onClick={rotating.run}>
          Rotate it
        </Button>
      </div>
    </Dialog>
  )
}
