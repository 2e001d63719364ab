import { z } from 'zod'
import { entityId, line } from './input.ts'

/** A page of a site. */
export interface Page {
  readonly pageId: number
  readonly tenantId: number
  readonly siteId: number
  readonly name: string
  readonly title: string
  /** Where the site shows it; no two pages of a site share one. */
  readonly path: string
}

// Events about it carry it, and the compiler knows.
declare module '@x/events-core' {
  interface EntityTypes {
    Page: Page
  }
}

export const pageInput = z.object({
  /** The site of the request's alias when left out. */
  siteId: entityId.optional(),
  name: line(100).min(1),
  /** The name when left out. */
  title: line(200).optional(),
  /** Made of the name when left out. */
  path: z
    .string()
    .regex(/^[\p{L}\p{N}._~/-]{1,200}$/u, 'letters, digits and ._~/- only')
    .optional(),
})

export type PageInput = z.infer<typeof pageInput>

/** `About us` is shown at `about-us`. */
export function pathOf(page: Pick<PageInput, 'name' | 'path'>): string {
  return page.path ?? page.name.toLowerCase().replaceAll(/[^\p{L}\p{N}]+/gu, '-')
}
