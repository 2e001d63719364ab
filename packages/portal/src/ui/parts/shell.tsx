import { type ReactNode, useState } from 'react'
import type { Session } from '../api-types.ts'
import { shortTime } from '../format.ts'
import { href, useHashRoute } from '../hash-route.ts'
import type { LiveState } from '../live-updates.ts'
import {
  chooseLocale,
  chooseTimeZone,
  LOCALES,
  type Locale,
  rememberLocale,
  t,
  timeZones,
  usePreferences,
} from '../preferences.ts'
import { signOut, useUser } from '../session.ts'
import { useAction } from '../use-action.ts'
import { BackLink, Brand } from './brand.tsx'
import { Button } from './button.tsx'
import { ProblemNote } from './problem-note.tsx'

interface ShellProps {
  readonly liveState: LiveState
  readonly session: Session
  readonly children: ReactNode
}

/** What surrounds every page. */
export function Shell({ liveState, session, children }: ShellProps) {
  const { operator, name } = useUser()
  const [area = 'endpoints'] = useHashRoute().segments
  const leaving = useAction(signOut)
  const places = [
    ['endpoints', t.shell.endpoints],
    ['deliveries', t.shell.deliveries],
    ['events', t.shell.events],
    ['event-types', t.shell.catalog],
    ['alerts', t.shell.alerts],
    ['audit-log', t.shell.auditLog],
    ...(operator ? [['subscriptions', t.shell.subscriptions] as const] : []),
  ] as const
  return (
    <div className="shell">
      <header className="top">
        {session.link && parent === window && (
          <p className="link-note">
            {t.shell.byLink(shortTime(session.link.expiresOn))}
            <Button slim kind="plain" isBusy={leaving.isBusy} onClick={leaving.run}>
              {t.shell.leave}
            </Button>
          </p>
        )}
        <div className="top-inner">
          <a className="brand" href={href(['endpoints'])}>
            <Brand appearance={session.appearance} />
          </a>
          <nav className="nav" aria-label={t.shell.navigation}>
            <ul>
              {places.map(([place, title]) => (
                <li key={place}>
                  <a href={href([place])} aria-current={place === area ? 'page' : undefined}>
                    {title}
                  </a>
                </li>
              ))}
            </ul>
          </nav>
          <div className="who">
            <BackLink session={session} link={session.link} />
            <span className={`live-dot ${liveState}`} title={t.shell.liveHint}>
              {t.live[liveState]}
            </span>
            {name !== null && <span>{name}</span>}
            {session.canSignOut && !session.link && (
              <Button slim kind="plain" isBusy={leaving.isBusy} onClick={leaving.run}>
                {t.shell.signOut}
              </Button>
            )}
          </div>
        </div>
      </header>
      <ProblemNote problem={leaving.problem} takesFocus />
      {children}
      <Preferences />
    </div>
  )
}

function Preferences() {
  const { locale, timeZone } = usePreferences()
  const [zones] = useState(timeZones)
  return (
    <footer className="preferences">
      <a href="api/openapi.json">{t.shell.api}</a>
      <label className="row">
        {t.shell.timeZone}
        <select
          className="input slim-input"
          value={timeZone}
          onChange={(event) => chooseTimeZone(event.target.value)}
        >
          {zones.map((zone) => (
            <option key={zone} value={zone}>
              {zone.replaceAll('_', ' ')}
            </option>
          ))}
        </select>
      </label>
      <label className="row">
        {t.shell.language}
        <select
          className="input slim-input"
          value={locale}
          onChange={(event) => {
            const chosen = event.target.value as Locale
            rememberLocale(chosen)
            void chooseLocale(chosen)
          }}
        >
          {Object.entries(LOCALES).map(([value, title]) => (
            <option key={value} value={value} lang={value}>
              {title}
            </option>
          ))}
        </select>
      </label>
    </footer>
  )
}
