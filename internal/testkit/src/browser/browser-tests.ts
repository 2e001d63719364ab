import { afterAll, beforeAll, describe, it } from 'vitest'
import { chromiumPath, launchBrowser, type TestBrowser } from './launch-browser.ts'

const WHY = 'browser tests were NOT run: there is no Chromium here (see CONTRIBUTING.md)'

/**
 * Describes tests that need a browser; one is started for all of them. Without one they are skipped,
 * aloud, and in CI (`CI=true`) they fail.
 *
 * @param title - as of `describe`.
 * @param tests - declares them; the function that it gets answers the browser, from inside of a test.
 */
export function browserTests(title: string, tests: (browser: () => TestBrowser) => void): void {
  if (chromiumPath() === undefined) {
    withoutBrowser(title, tests)
    return
  }
  describe(title, () => {
    let browser: TestBrowser | undefined
    beforeAll(async () => {
      browser = await launchBrowser()
    })
    afterAll(() => browser?.close())
    tests(() => {
      if (browser === undefined) throw new Error('The browser is there from inside of a test only.')
      return browser
    })
  })
}

function withoutBrowser(title: string, tests: (browser: () => TestBrowser) => void): void {
  process.stderr.write(`\n*** ${title}: ${WHY}. ***\n\n`)
  const isRequired = ['true', '1'].includes(process.env['CI'] ?? '')
  if (isRequired) it(title, () => Promise.reject(new Error(WHY)))
  describe.skip(`${title} (${WHY})`, () =>
    tests(() => {
      throw new Error(WHY)
    }))
}
