import { useState } from 'react'
import type { Endpoint } from '../api-types.ts'
import { go, placeOf } from '../hash-route.ts'
import { ask } from '../http.ts'
import { Button } from '../parts/button.tsx'
import { Card } from '../parts/card.tsx'
import { ConfirmDialog } from '../parts/confirm-dialog.tsx'
import { endpointName } from '../parts/endpoint-name.ts'
import { t } from '../preferences.ts'
import { whileEnding } from '../resources.ts'
import { EnableButton } from './enable-button.tsx'

/** Ends what an endpoint gets: for a while, or for good. */
export function EndpointDanger({ endpoint }: { readonly endpoint: Endpoint }) {
  const [asked, setAsked] = useState<'disable' | 'delete'>()
  const path = `endpoints/${encodeURIComponent(endpoint.id)}`
  const close = () => setAsked(undefined)
  return (
    <Card title={t.danger.title}>
      <p className="quiet">{endpoint.enabled ? t.danger.about : t.danger.aboutDisabled}</p>
      <div className="row">
        {endpoint.enabled && <Button onClick={() => setAsked('disable')}>{t.danger.disable}</Button>}
        <EnableButton endpoint={endpoint} />
        <Button kind="danger" onClick={() => setAsked('delete')}>
          {t.danger.delete}
        </Button>
      </div>
      {asked === 'disable' && (
        <ConfirmDialog
          title={t.danger.disableTitle}
          action={t.danger.disableAction}
          act={() => ask('POST', `${path}/disable`)}
          onClose={close}
        >
          <p>{t.danger.disableAbout}</p>
        </ConfirmDialog>
      )}
      {asked === 'delete' && (
        <ConfirmDialog
          title={t.danger.deleteTitle}
          action={t.danger.deleteAction}
          act={() =>
            whileEnding(path, async () => {
              await ask('DELETE', path)
              go(placeOf('endpoints'))
            })
          }
          onClose={close}
        >
          <p className="anywhere">{endpointName(endpoint)}</p>
          <p>{t.danger.deleteAbout}</p>
        </ConfirmDialog>
      )}
    </Card>
  )
}
