import type { ReactNode } from 'react'
import { href, useHashRoute } from '../hash-route.ts'
import type { LiveState } from '../live-updates.ts'
import { signOut, useUser } from '../session.ts'
import { useAction } from '../use-action.ts'
import { Button } from './button.tsx'
import { Logo } from './logo.tsx'

const LIVE_TEXT: Readonly<Record<LiveState, string>> = {
  connecting: 'Connecting',
  live: 'Live',
  polling: 'Every 5 s',
}

interface ShellProps {
  readonly liveState: LiveState
  readonly canSignOut: boolean
  readonly children: ReactNode
}

/** What surrounds every page. */
export function Shell({ liveState, canSignOut, children }: ShellProps) {
  const { operator, name } = useUser()
  const [area = 'endpoints'] = useHashRoute().segments
  const leaving = useAction(signOut)
  const places = [
    ['endpoints', 'Endpoints'],
    ['deliveries', 'Deliveries'],
    ['event-types', 'Event catalog'],
    ...(operator ? [['subscriptions', 'Subscriptions']] : []),
  ] as const
  return (
    <div className="shell">
      <header className="top">
        <div className="top-inner">
          <a className="brand" href={href(['endpoints'])}>
            <Logo /> Webhooks
          </a>
          <nav className="nav" aria-label="Portal">
            <ul>
              {places.map(([place, title]) => (
                <li key={place}>
                  <a href={href([place as string])} aria-current={place === area ? 'page' : undefined}>
                    {title}
                  </a>
                </li>
              ))}
            </ul>
          </nav>
          <div className="who">
            <span className={`live-dot ${liveState}`} title="How this page learns of changes">
              {LIVE_TEXT[liveState]}
            </span>
            {name !== null && <span>{name}</span>}
            {canSignOut && (
              <Button slim kind="plain" isBusy={leaving.isBusy} onClick={leaving.run}>
                Sign out
              </Button>
            )}
          </div>
        </div>
      </header>
      {children}
    </div>
  )
}
