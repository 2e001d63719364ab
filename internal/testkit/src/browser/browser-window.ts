import type { Page } from 'playwright-core'
import type { TestBrowser } from './launch-browser.ts'

/** How a window looks; what is not said is a desktop's, in light colours. */
export interface OpenWindow {
  readonly width?: number
  readonly height?: number
  readonly colorScheme?: 'light' | 'dark'
}

/** A window with storage and cookies of its own. */
export interface BrowserWindow extends AsyncDisposable {
  readonly page: Page
  /**
   * What went wrong in the page so far, for tests that make something go wrong: any other test fails by
   * it. Errors and warnings on the console, errors that nobody caught, violations of the content
   * security policy, and requests to another machine.
   */
  takeProblems(): readonly string[]
  /** What matches is to be expected from now on, and may come at any time: it is no problem. */
  expectProblems(pattern: RegExp): void
}

/** Opens a window; when the test lets go of it, nothing must have gone wrong in it. */
export async function openWindow(browser: TestBrowser, options: OpenWindow = {}): Promise<BrowserWindow> {
  const { width = 1280, height = 800, colorScheme = 'light' } = options
  const context = await browser.newContext({
    viewport: { width, height },
    colorScheme,
    reducedMotion: 'reduce',
  })
  context.setDefaultTimeout(60_000)
  const page = await context.newPage()
  const found: string[] = []
  const expected: RegExp[] = []
  const problems = () =>
    found.splice(0).filter((problem) => !expected.some((pattern) => pattern.test(problem)))
  page.on('pageerror', (error) => found.push(`uncaught: ${error.stack ?? error}`))
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) found.push(`console: ${message.text()}`)
  })
  page.on('request', (request) => {
    const { protocol, hostname } = new URL(request.url())
    const isHere =
      ['localhost', '127.0.0.1', '[::1]'].includes(hostname) || ['data:', 'blob:'].includes(protocol)
    if (!isHere) found.push(`asked another machine: ${request.url()}`)
  })
  // Chromium tells the console of most violations, and this event of all.
  await context.exposeFunction('reportViolation', (text: string) => found.push(`policy: ${text}`))
  await context.addInitScript(() => {
    addEventListener('securitypolicyviolation', (event) => {
      const report = Reflect.get(globalThis, 'reportViolation') as (text: string) => void
      report(`${event.effectiveDirective} refused ${event.blockedURI} ${event.sample}`)
    })
  })
  return {
    page,
    takeProblems: problems,
    expectProblems: (pattern) => void expected.push(pattern),
    async [Symbol.asyncDispose]() {
      await context.close()
      const left = problems()
      if (left.length > 0) throw new Error(`In the browser:\n${left.join('\n')}`)
    },
  }
}
