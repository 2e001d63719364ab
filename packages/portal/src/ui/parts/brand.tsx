import type { Appearance, Session } from '../api-types.ts'
import { t } from '../preferences.ts'
import { Logo } from './logo.tsx'

/** The logo and the name that the pages have: the host's, or the portal's own. */
export function Brand({ appearance }: { readonly appearance: Appearance | undefined }) {
  const name = appearance?.name ?? t.shell.title
  return (
    <>
      {appearance?.logo ? <img className="logo" src={appearance.logo} alt="" /> : <Logo />} {name}
    </>
  )
}

interface BackLinkProps {
  readonly session: Session
  readonly link: Session['link']
}

/** Leads back to where the link into the portal has come from. */
export function BackLink({ session: { appearance }, link }: BackLinkProps) {
  if (!link?.returnUrl) return null
  // Also out of a frame.
  return (
    <a href={link.returnUrl} target="_top" rel="noreferrer">
      {t.shell.backTo(appearance.name ?? new URL(link.returnUrl).hostname)}
    </a>
  )
}
