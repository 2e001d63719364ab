import { useEffect, useState } from 'react'
import { createRoot } from 'react-dom/client'
import '@x/portal/element'

declare module 'react' {
  namespace JSX {
    interface IntrinsicElements {
      'x-webhook-portal': {
        readonly url: string
        readonly 'color-scheme'?: 'auto' | 'light' | 'dark'
        readonly 'onx-portal-expired'?: () => void
      }
    }
  }
}

async function fetchLink(): Promise<string> {
  const response = await fetch('/webhooks-link', { method: 'POST' })
  const { url } = (await response.json()) as { url: string }
  return url
}

/** The portal in a page that is made with React: a link first, and another whenever the session has ended. */
function Webhooks() {
  const [url, setUrl] = useState<string>()
  const renew = () => void fetchLink().then(setUrl)
  useEffect(renew, [])
  if (url === undefined) return <p>Loading</p>
  return <x-webhook-portal url={url} color-scheme="dark" onx-portal-expired={renew} />
}

const root = document.getElementById('root')
if (root) createRoot(root).render(<Webhooks />)
