/** There is no such entity, or it is another tenant's, which must look the same. */
export class EntityNotFoundError extends Error {
  override readonly name = 'EntityNotFoundError'

  constructor(entityName: string, entityId: number) {
    super(`There is no ${entityName} with the id ${entityId}.`)
  }
}

/** The change contradicts what is stored: a name is taken, a folder is not empty. */
export class EntityConflictError extends Error {
  override readonly name = 'EntityConflictError'
}

/** Input that cannot be used, by the names of its fields. */
export class InvalidInputError extends Error {
  override readonly name = 'InvalidInputError'
  readonly errors: Readonly<Record<string, readonly string[]>>

  constructor(errors: Readonly<Record<string, readonly string[]>>) {
    super(`Invalid input: ${Object.keys(errors).join(', ')}`)
    this.errors = errors
  }
}
