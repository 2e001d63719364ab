import type { FromPortal, ToPortal } from './messages.ts'

/** A name of {@link WebhookPortalElement}'s events, and what each tells. */
export interface WebhookPortalEvents {
  /** Nobody is signed in any more: set `url` to a new link. */
  'x-portal-expired': CustomEvent<undefined>
  /** Where in the portal the person is now: `/endpoints/ep_...`. */
  'x-portal-navigate': CustomEvent<{ readonly path: string }>
}

const SCHEMES = ['auto', 'light', 'dark'] as const
const LOCALES = ['en', 'de'] as const
const MIN_HEIGHT = 320

// Where there is no page, as on a server that renders one, there is no such class.
const Base: typeof HTMLElement = globalThis.HTMLElement ?? (class {} as typeof HTMLElement)

/**
 * The element `<x-webhook-portal>`: the portal in a frame that is as high as what it shows. Importing the module defines it.
 *
 * Attributes: `url` (a link of `createLink`, or the portal's own address), `color-scheme` (`auto`, `light`, `dark`), `locale`
 * (`en`, `de`), `title` (of the frame). Events: those of {@link WebhookPortalEvents}; they bubble.
 *
 * @example
 * ```ts no-run
 * import type { WebhookPortalElement } from '@x/portal/element'
 *
 * const portal = document.querySelector('x-webhook-portal') as WebhookPortalElement
 * portal.addEventListener('x-portal-expired', async () => {
 *   const response = await fetch('/webhooks-link', { method: 'POST' })
 *   portal.setAttribute('url', (await response.json()).url)
 * })
 * ```
 */
export class WebhookPortalElement extends Base {
  static readonly observedAttributes = ['url', 'color-scheme', 'locale', 'title']

  readonly #frame: HTMLIFrameElement | undefined = globalThis.document?.createElement('iframe')
  readonly #hear = (event: MessageEvent<FromPortal | null>) => this.#heard(event)
  #origin: string | undefined
  #page = ''

  connectedCallback(): void {
    const frame = this.#frame
    if (!frame) return
    if (!this.shadowRoot) {
      const style = document.createElement('style')
      style.textContent = `:host{display:block}iframe{display:block;width:100%;height:${MIN_HEIGHT}px;border:0}`
      this.attachShadow({ mode: 'open' }).append(style, frame)
      frame.addEventListener('load', () => this.#greet())
    }
    addEventListener('message', this.#hear)
    this.#show()
  }

  disconnectedCallback(): void {
    removeEventListener('message', this.#hear)
  }

  attributeChangedCallback(name: string, before: string | null, now: string | null): void {
    if (!this.isConnected || before === now) return
    if (name === 'color-scheme' || name === 'locale') this.#greet()
    else this.#show()
  }

  #show(): void {
    const frame = this.#frame
    if (!frame) return
    frame.title = this.getAttribute('title') ?? 'Webhooks'
    const url = URL.parse(this.getAttribute('url') ?? '', document.baseURI)
    const isWeb = url?.protocol === 'https:' || url?.protocol === 'http:'
    this.#origin = isWeb ? url.origin : undefined
    if (!isWeb) frame.removeAttribute('src')
    else if (frame.src !== url.href) frame.src = url.href
  }

  /** The portal answers whoever greets it, and nobody else. */
  #greet(): void {
    if (this.#origin === undefined) return
    const hello: ToPortal = {
      type: 'x-portal-hello',
      colorScheme: SCHEMES.find((one) => one === this.getAttribute('color-scheme')),
      locale: LOCALES.find((one) => one === this.getAttribute('locale')),
    }
    this.#frame?.contentWindow?.postMessage(hello, this.#origin)
  }

  #heard({ source, origin, data }: MessageEvent<FromPortal | null>): void {
    if (!this.#frame || source !== this.#frame.contentWindow || origin !== this.#origin) return
    if (data?.type === 'x-portal-height' && Number.isFinite(data.height)) {
      this.#frame.style.height = `${Math.max(MIN_HEIGHT, Math.ceil(data.height))}px`
    }
    if (data?.type === 'x-portal-navigate') {
      const path = String(data.path)
      const page = path.replace(/\?.*/, '')
      // Each page begins at its top, which may lie far above.
      if (page !== this.#page && this.getBoundingClientRect().top < 0) this.scrollIntoView()
      this.#page = page
      this.#tell(data.type, { path })
    }
    if (data?.type === 'x-portal-expired') this.#tell(data.type)
  }

  #tell<TName extends keyof WebhookPortalEvents>(
    name: TName,
    detail?: WebhookPortalEvents[TName]['detail'],
  ): void {
    this.dispatchEvent(new CustomEvent(name, { bubbles: true, composed: true, detail }))
  }
}

if (globalThis.customElements && !customElements.get('x-webhook-portal')) {
  customElements.define('x-webhook-portal', WebhookPortalElement)
}
