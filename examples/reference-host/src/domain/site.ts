import { z } from 'zod'

/** A web site of a tenant. */
export interface Site {
  readonly siteId: number
  readonly tenantId: number
  readonly name: string
}

export const siteInput = z.object({ name: z.string().trim().min(1).max(200) })

export type SiteInput = z.infer<typeof siteInput>
