import { Ajv2020, type ErrorObject } from 'ajv/dist/2020.js'
import type { JsonSchema } from './event-type.ts'

/** Tells what of a value does not fit a schema: nothing, or places and rules, without values. */
export type SchemaCheck = (value: unknown) => readonly string[]

/** Throws for what is no schema, or refers to what is not in it. */
export type SchemaCompiler = (schema: JsonSchema) => SchemaCheck

const MAX_PROBLEMS = 5

/** Creates what compiles schemas. */
export function createSchemaCompiler(): SchemaCompiler {
  // Keywords and formats that are not known are notes, as the specification has it.
  const ajv = new Ajv2020({
    allErrors: true,
    strict: false,
    validateFormats: false,
    logger: false,
  })

  return (schema) => {
    const validate = ajv.compile(schema)
    // Two types may carry a schema of the same id; neither is to be seen by the other.
    const { $id } = Object(schema) as { $id?: string }
    if ($id !== undefined) ajv.removeSchema($id)
    return (value) => {
      if (validate(value) === true) return []
      const errors = validate.errors ?? []
      const problems = errors.slice(0, MAX_PROBLEMS).map(describe)
      return errors.length > MAX_PROBLEMS
        ? [...problems, `and ${errors.length - MAX_PROBLEMS} more`]
        : problems
    }
  }
}

function describe({ instancePath, message = 'does not fit', params }: ErrorObject): string {
  const { additionalProperty } = params as { additionalProperty?: string }
  const where = instancePath === '' ? 'it' : instancePath
  return additionalProperty === undefined
    ? `${where} ${message}`
    : `${where} ${message} (${additionalProperty})`
}
