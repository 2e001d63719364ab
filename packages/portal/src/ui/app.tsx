import { useEffect, useRef } from 'react'
import type { Session } from './api-types.ts'
import { useHashRoute } from './hash-route.ts'
import { keepFocus } from './keep-focus.ts'
import { startLiveUpdates, useLiveState } from './live-updates.ts'
import { AlertsPage } from './pages/alerts-page.tsx'
import { AuditLogPage } from './pages/audit-log-page.tsx'
import { DeliveriesPage } from './pages/deliveries-page.tsx'
import { DeliveryPage } from './pages/delivery-page.tsx'
import { EditEndpointPage, NewEndpointPage } from './pages/endpoint-form-pages.tsx'
import { EndpointPage } from './pages/endpoint-page.tsx'
import { EndpointsPage } from './pages/endpoints-page.tsx'
import { EventPage } from './pages/event-page.tsx'
import { EventTypePage } from './pages/event-type-page.tsx'
import { EventTypesPage } from './pages/event-types-page.tsx'
import { EventsPage } from './pages/events-page.tsx'
import { NotFoundPage } from './pages/not-found-page.tsx'
import { SignInPage } from './pages/sign-in-page.tsx'
import { SubscriptionPage } from './pages/subscription-page.tsx'
import { SubscriptionsPage } from './pages/subscriptions-page.tsx'
import { Boundary } from './parts/boundary.tsx'
import { Shell } from './parts/shell.tsx'
import { usePreferences } from './preferences.ts'
import { SessionContext, useSessionState } from './session.ts'

/** The whole of the portal: whoever is signed in sees the pages. */
export function App() {
  // Drawn anew in another language, and with times of another zone.
  usePreferences()
  const state = useSessionState()
  const { session, visit } = state
  if (session?.user) {
    return (
      <SessionContext value={{ ...session.user, verifiesOwnership: session.verifiesOwnership }}>
        <SignedIn session={session} key={visit} />
      </SessionContext>
    )
  }
  return <SignInPage state={state} />
}

function SignedIn({ session }: { readonly session: Session }) {
  const { segments } = useHashRoute()
  const liveState = useLiveState()
  const main = useRef<HTMLElement>(null)
  useEffect(() => startLiveUpdates(), [])
  useEffect(() => keepFocus(), [])

  const place = segments.join('/')
  const isFirst = useRef(true)
  // biome-ignore lint/correctness/useExhaustiveDependencies: each new place begins at its top
  useEffect(() => {
    if (isFirst.current) {
      isFirst.current = false
      return
    }
    scrollTo(0, 0)
    main.current?.focus({ preventScroll: true })
  }, [place])

  return (
    <Shell liveState={liveState} session={session}>
      <main className="main" tabIndex={-1} ref={main} id="main">
        <Boundary key={place}>
          <PageOf segments={segments} />
        </Boundary>
      </main>
    </Shell>
  )
}

function PageOf({ segments }: { readonly segments: readonly string[] }) {
  const [area = 'endpoints', id, action] = segments
  if (area === 'endpoints') {
    if (id === undefined) return <EndpointsPage />
    if (id === 'new') return <NewEndpointPage />
    return action === 'edit' ? <EditEndpointPage id={id} /> : <EndpointPage id={id} />
  }
  if (area === 'deliveries') return id === undefined ? <DeliveriesPage /> : <DeliveryPage id={id} />
  if (area === 'events') return id === undefined ? <EventsPage /> : <EventPage id={id} />
  if (area === 'event-types') return id === undefined ? <EventTypesPage /> : <EventTypePage type={id} />
  if (area === 'alerts') return <AlertsPage />
  if (area === 'audit-log') return <AuditLogPage />
  if (area === 'subscriptions') {
    return id === undefined ? <SubscriptionsPage /> : <SubscriptionPage name={id} />
  }
  return <NotFoundPage />
}
