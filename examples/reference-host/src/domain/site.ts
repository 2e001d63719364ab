import { z } from 'zod'
import { line } from './input.ts'

/** A web site of a tenant. */
export interface Site {
  readonly siteId: number
  readonly tenantId: number
  readonly name: string
}

// Events about it carry it, and the compiler knows.
declare module '@x/events-core' {
  interface EntityTypes {
    Site: Site
  }
}

export const siteInput = z.object({ name: line(200).min(1) })

export type SiteInput = z.infer<typeof siteInput>
