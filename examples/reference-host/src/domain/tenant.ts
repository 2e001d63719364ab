import { z } from 'zod'
import { line } from './input.ts'

/** Whoever shares the installation with others and must see nothing of theirs. */
export interface Tenant {
  readonly tenantId: number
  readonly name: string
}

export const tenantInput = z.object({ name: line(200).min(1) })

export type TenantInput = z.infer<typeof tenantInput>
