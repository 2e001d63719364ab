/** Whoever shares the installation with others and must see nothing of theirs. */
export interface Tenant {
  readonly tenantId: number
  readonly name: string
}
