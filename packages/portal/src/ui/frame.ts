import type { FromPortal, ToPortal } from '../element/messages.ts'
import { showAsWanted } from './appearance.ts'

let tell: ((message: FromPortal) => void) | undefined
let isExpired = false

/**
 * Talks to the page around the frame, once it has said who it is: an element `x-webhook-portal`. Which pages may show
 * this one in a frame, the policy it comes with tells.
 */
export function joinFrame(): void {
  if (parent === window) return
  addEventListener('message', ({ source, origin, data }: MessageEvent<Partial<ToPortal> | null>) => {
    if (source !== parent || data?.type !== 'x-portal-hello') return
    const isFirst = tell === undefined
    tell = (message) => parent.postMessage(message, origin)
    const { colorScheme, locale } = data
    void showAsWanted({ ...(colorScheme ? { colorScheme } : {}), ...(locale ? { locale } : {}) })
    if (isFirst) follow()
    if (isExpired) tell({ type: 'x-portal-expired' })
  })
}

function follow(): void {
  // The frame is as high as the page; the page must not be as high as the frame.
  document.documentElement.dataset['framed'] = ''
  const tellHeight = () => tell?.({ type: 'x-portal-height', height: document.body.scrollHeight })
  new ResizeObserver(tellHeight).observe(document.body)
  tellHeight()
  addEventListener('hashchange', () => tell?.({ type: 'x-portal-navigate', path: location.hash.slice(1) }))
}

/** Whether the page is in a frame that is as high as itself. */
export function isFramed(): boolean {
  return document.documentElement.dataset['framed'] !== undefined
}

/**
 * Notes for the styles which part is to be seen of a frame that is as high as its page: what opens above the page has to
 * open there.
 */
export async function noteSeenPart(): Promise<void> {
  if (!isFramed()) return
  const { top, height } = await new Promise<DOMRectReadOnly>((resolve) => {
    const observer = new IntersectionObserver(([entry]) => {
      observer.disconnect()
      if (entry) resolve(entry.intersectionRect)
    })
    observer.observe(document.documentElement)
  })
  const { style } = document.documentElement
  style.setProperty('--seen-top', `${top}px`)
  style.setProperty('--seen-height', `${height}px`)
}

/** Tells the page around the frame whether somebody is signed in. */
export function tellExpired(expired: boolean): void {
  if (expired && !isExpired) tell?.({ type: 'x-portal-expired' })
  isExpired = expired
}
