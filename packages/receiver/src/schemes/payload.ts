/** What stands at a path in a payload; undefined where the path leads nowhere. */
export function at(payload: unknown, ...path: readonly (string | number)[]): unknown {
  let value = payload
  for (const key of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined
    value = (value as Readonly<Record<string | number, unknown>>)[key]
  }
  return value
}

/** The same where it is a text. */
export function textAt(payload: unknown, ...path: readonly (string | number)[]): string | undefined {
  const value = at(payload, ...path)
  return typeof value === 'string' && value !== '' ? value : undefined
}

/** Joins the parts of a type that are there: `issues` and `opened` to `issues.opened`. */
export function typeOf(...parts: readonly (string | null | undefined)[]): string | undefined {
  return parts.filter((part) => part).join('.') || undefined
}
