import { useState } from 'react'
import type { Endpoint, EndpointWarning } from '../api-types.ts'
import { go, href, placeOf } from '../hash-route.ts'
import { ask, Problem } from '../http.ts'
import { Card } from '../parts/card.tsx'
import { Code } from '../parts/code.tsx'
import { ConflictNote } from '../parts/conflict-note.tsx'
import { Empty } from '../parts/empty.tsx'
import { endpointName } from '../parts/endpoint-name.ts'
import { PageHead } from '../parts/page-head.tsx'
import { PageOf } from '../parts/page-of.tsx'
import { ReceiverCode } from '../parts/receiver-code.tsx'
import { WarningNotes } from '../parts/warning-notes.tsx'
import { t } from '../preferences.ts'
import { useResource } from '../resources.ts'
import { useUser } from '../session.ts'
import { useArrival } from '../use-arrival.ts'
import { changeOf, creationOf, differencesOf, draftOf, EMPTY_DRAFT } from './endpoint-draft.ts'
import { EndpointForm } from './endpoint-form.tsx'
import { TestCard } from './test-card.tsx'
import { VerifyNote } from './verify-note.tsx'

interface Created {
  readonly endpoint: Endpoint
  readonly secret: string
  readonly warnings: readonly EndpointWarning[]
}

/** Adds an endpoint, and then says what its receiver needs. */
export function NewEndpointPage() {
  const [created, setCreated] = useState<Created>()
  const { role } = useUser()
  const back = placeOf('endpoints')
  if (role !== 'manager') {
    return <ForManagers title={t.endpoints.add} back={{ to: back, title: t.shell.endpoints }} />
  }
  if (created) return <CreatedEndpoint {...created} />
  return (
    <>
      <PageHead title={t.endpoints.add} back={{ to: back, title: t.shell.endpoints }} />
      <EndpointForm
        initial={EMPTY_DRAFT}
        submit={t.endpoints.add}
        cancelTo={back}
        save={async (draft) => setCreated(await ask<Created>('POST', 'endpoints', creationOf(draft)))}
      />
    </>
  )
}

/** In place of a form, where nothing can be saved. */
function ForManagers({ title, back }: { readonly title: string; readonly back: EditProps['back'] }) {
  return (
    <>
      <PageHead title={title} back={back} />
      <div className="card">
        <Empty title={t.problems.forbidden} />
      </div>
    </>
  )
}

function CreatedEndpoint({ endpoint: created, secret, warnings }: Created) {
  useArrival()
  const path = `endpoints/${encodeURIComponent(created.id)}`
  // It may be verified meanwhile.
  const endpoint = useResource<Endpoint>(path).data ?? created
  return (
    <>
      <PageHead
        title={t.created.title}
        about={<span className="anywhere">{endpointName(endpoint)}</span>}
        back={{ to: placeOf('endpoints'), title: t.shell.endpoints }}
      >
        <a className="button primary" href={href(['endpoints', endpoint.id])}>
          {t.created.open}
        </a>
      </PageHead>
      <WarningNotes warnings={warnings} />
      {endpoint.ownership === 'pending' && <VerifyNote endpoint={endpoint} />}
      <Card title={t.signature[endpoint.signature].title}>
        <p>{t.created.secretAbout}</p>
        <Code text={secret} label={t.signature[endpoint.signature].current} copy={secret} />
      </Card>
      <Card title={t.receiver.title}>
        <ReceiverCode eventType={endpoint.eventTypes[0] ?? '*'} />
      </Card>
      <TestCard endpoint={endpoint} />
    </>
  )
}

/** Changes an endpoint. */
export function EditEndpointPage({ id }: { readonly id: string }) {
  const resource = useResource<Endpoint>(`endpoints/${encodeURIComponent(id)}`)
  const { role } = useUser()
  const back = { to: href(['endpoints', id], { tab: 'settings' }), title: t.endpoint.back }
  if (role !== 'manager') return <ForManagers title={t.edit.title} back={back} />
  return (
    <PageOf resource={resource} title={t.edit.title} back={back}>
      {(endpoint) => <Edit latest={endpoint} back={back} />}
    </PageOf>
  )
}

interface EditProps {
  /** As it is now; it may be changed by somebody else while it is edited. */
  readonly latest: Endpoint
  readonly back: { readonly to: string; readonly title: string }
}

function Edit({ latest, back }: EditProps) {
  const path = `endpoints/${encodeURIComponent(latest.id)}`
  // What is typed must not be overwritten by what is heard meanwhile.
  const [start, setStart] = useState(latest)
  // What a save goes by: the version that the person has seen.
  const [seen, setSeen] = useState(latest)
  const [isConflict, setConflict] = useState(false)
  const [warnings, setWarnings] = useState<readonly EndpointWarning[]>([])
  if (warnings.length > 0) {
    return (
      <>
        <PageHead title={t.edit.saved} back={back}>
          <a className="button primary" href={back.to}>
            {t.created.open}
          </a>
        </PageHead>
        <WarningNotes warnings={warnings} />
      </>
    )
  }
  const loadTheirs = () => {
    setStart(latest)
    setSeen(latest)
    setConflict(false)
  }
  const keepMine = () => {
    setSeen(latest)
    setConflict(false)
  }
  const changed = isConflict || latest.version !== seen.version
  return (
    <>
      <PageHead title={t.edit.title} back={back} about={endpointName(latest)} />
      <EndpointForm
        key={start.version}
        initial={draftOf(start)}
        endpoint={latest}
        submit={t.edit.save}
        cancelTo={back.to}
        conflict={
          changed && (
            <ConflictNote
              about={t.edit.conflict}
              fields={differencesOf(seen, latest).map((field) => t.edit.fields[field])}
              onLoadTheirs={loadTheirs}
              onKeepMine={keepMine}
            />
          )
        }
        save={async (draft) => {
          const body = changeOf(draft, seen)
          const saved = await ask<{ warnings: readonly EndpointWarning[] }>('PATCH', path, body).catch(
            (problem) => {
              if (problem instanceof Problem && problem.code === 'version_conflict') setConflict(true)
              throw problem
            },
          )
          if (saved.warnings.length > 0) setWarnings(saved.warnings)
          else go(back.to)
        }}
      />
    </>
  )
}
