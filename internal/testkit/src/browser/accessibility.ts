import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import type { AxeResults, RunOptions } from 'axe-core'
import type { Page } from 'playwright-core'

/** A rule of accessibility that a page breaks, and where. */
export interface Violation {
  readonly rule: string
  readonly help: string
  readonly targets: readonly string[]
}

const axePath = createRequire(import.meta.url).resolve('axe-core/axe.min.js')

/** Looks at a page as it stands with axe-core: WCAG 2.2 AA and its best practices. Empty when all is well. */
export async function violationsOf(page: Page): Promise<readonly Violation[]> {
  const isThere = await page.evaluate(() => 'axe' in globalThis)
  // Handed to the debugger and not to the page, whose policy allows no such script.
  if (!isThere) await page.evaluate(await readFile(axePath, 'utf8'))
  const options: RunOptions = {
    resultTypes: ['violations'],
    runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
  }
  const { violations } = await page.evaluate(async (given) => {
    const { axe } = globalThis as unknown as { axe: { run(options: object): Promise<AxeResults> } }
    return axe.run(given)
  }, options as object)
  return violations.map(({ id, help, nodes }) => ({
    rule: id,
    help,
    targets: nodes.map(({ target, failureSummary }) => `${target.join(' ')}: ${failureSummary ?? ''}`),
  }))
}
