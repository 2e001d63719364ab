import { z } from 'zod'

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

export const siteInput = z.object({ name: z.string().trim().min(1).max(200) })

export type SiteInput = z.infer<typeof siteInput>
