import { useState } from 'react'
import type { Endpoint, EndpointWarning } from '../api-types.ts'
import { go, href } from '../hash-route.ts'
import { ask } from '../http.ts'
import { Card } from '../parts/card.tsx'
import { Code } from '../parts/code.tsx'
import { endpointName } from '../parts/endpoint-name.ts'
import { PageHead } from '../parts/page-head.tsx'
import { ReceiverCode } from '../parts/receiver-code.tsx'
import { ResourceView } from '../parts/resource-view.tsx'
import { WarningNotes } from '../parts/warning-notes.tsx'
import { useResource } from '../resources.ts'
import { changeOf, creationOf, draftOf, EMPTY_DRAFT } from './endpoint-draft.ts'
import { EndpointForm } from './endpoint-form.tsx'
import { VerifyNote } from './verify-note.tsx'

interface Created {
  readonly endpoint: Endpoint
  readonly secret: string
  readonly warnings: readonly EndpointWarning[]
}

/** Adds an endpoint, and then says what its receiver needs. */
export function NewEndpointPage() {
  const [created, setCreated] = useState<Created>()
  const list = href(['endpoints'])
  if (created) return <CreatedEndpoint {...created} />
  return (
    <>
      <PageHead title="Add endpoint" back={{ to: list, title: 'Endpoints' }} />
      <EndpointForm
        initial={EMPTY_DRAFT}
        isNew
        submit="Add endpoint"
        cancelTo={list}
        save={async (draft) => setCreated(await ask<Created>('POST', 'endpoints', creationOf(draft)))}
      />
    </>
  )
}

function CreatedEndpoint({ endpoint, secret, warnings }: Created) {
  return (
    <>
      <PageHead
        title="The endpoint is there"
        about={<span className="anywhere">{endpointName(endpoint)}</span>}
        back={{ to: href(['endpoints']), title: 'Endpoints' }}
      >
        <a className="button primary" href={href(['endpoints', endpoint.id])}>
          Go to the endpoint
        </a>
      </PageHead>
      <WarningNotes warnings={warnings} />
      {endpoint.ownership === 'pending' && <VerifyNote endpoint={endpoint} />}
      <Card title={endpoint.signature === 'hmac' ? 'Signing secret' : 'Public key'}>
        <p>Your receiver verifies with it that a request comes from here and was not changed on its way.</p>
        <Code text={secret} label="Signing secret" copy={secret} />
      </Card>
      <Card title="Receive it">
        <ReceiverCode eventType={endpoint.eventTypes[0] ?? '*'} />
      </Card>
    </>
  )
}

/** Changes an endpoint. */
export function EditEndpointPage({ id }: { readonly id: string }) {
  const path = `endpoints/${encodeURIComponent(id)}`
  const resource = useResource<Endpoint>(path)
  const back = href(['endpoints', id])
  // What is typed must not be overwritten by what is heard meanwhile.
  const [first, setFirst] = useState<Endpoint>()
  if (!first && resource.data) setFirst(resource.data)
  const [warnings, setWarnings] = useState<readonly EndpointWarning[]>([])
  if (warnings.length > 0) {
    return (
      <>
        <PageHead title="The changes are saved" back={{ to: back, title: 'The endpoint' }}>
          <a className="button primary" href={back}>
            Go to the endpoint
          </a>
        </PageHead>
        <WarningNotes warnings={warnings} />
      </>
    )
  }
  return (
    <>
      <PageHead title="Edit endpoint" back={{ to: back, title: 'The endpoint' }} />
      {first ? (
        <EndpointForm
          initial={draftOf(first)}
          isNew={false}
          submit="Save changes"
          cancelTo={back}
          save={async (draft) => {
            const saved = await ask<{ warnings: readonly EndpointWarning[] }>(
              'PATCH',
              path,
              changeOf(draft, first),
            )
            if (saved.warnings.length > 0) setWarnings(saved.warnings)
            else go(back)
          }}
        />
      ) : (
        <div className="card">
          <ResourceView resource={resource}>{() => null}</ResourceView>
        </div>
      )}
    </>
  )
}
