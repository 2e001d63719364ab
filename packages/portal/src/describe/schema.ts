import { readChoice, readTime, readWhole } from './read-value.ts'

declare const VALUE: unique symbol

/** What is said of a value: keywords of JSON Schema (2020-12). */
type Keywords = Readonly<Record<string, unknown>>

/** A JSON Schema. */
export interface Description {
  readonly json: Keywords
  /** The named schemas that it refers to. */
  readonly components: Readonly<Record<string, Keywords>>
}

/** A JSON Schema, typed by the value that it describes: what `JSON.parse` makes of it. */
export interface SchemaOf<TValue> extends Description {
  /** Only a type: neither a wider nor a narrower schema will do. */
  readonly [VALUE]?: (value: TValue) => TValue
}

/** Describes a value that is always there. */
export interface Schema<TValue> extends SchemaOf<TValue> {
  readonly isOptional?: false
}

/** Describes a property that may be missing. */
export interface OptionalSchema<TValue> extends SchemaOf<TValue> {
  readonly isOptional: true
}

/** Describes a parameter of a query, and reads it. */
export interface Parameter<TJson, TValue = TJson> extends Schema<TJson> {
  /** @throws PortalProblem 400 */
  read(field: string, text: string): TValue
}

/** Describes a time, which handlers get as a `Date` from a query as well as from a body. */
export interface TimeParameter extends Parameter<string, Date> {
  /** @throws PortalProblem 400 */
  readField(field: string, value: unknown): Date | undefined
}

/** A schema for each property of an object, none left out. */
export type Properties<TObject> = {
  readonly [TKey in keyof TObject]-?: Record<never, never> extends Pick<TObject, TKey>
    ? OptionalSchema<Exclude<TObject[TKey], undefined>>
    : Schema<TObject[TKey]>
}

function schemaOf<TValue>(json: Keywords, parts: readonly Description[] = []): Schema<TValue> {
  return { json, components: Object.fromEntries(parts.flatMap((part) => Object.entries(part.components))) }
}

const said = (description: string | undefined) => (description === undefined ? {} : { description })

/** A text. */
export function text(description?: string, keywords: Keywords = {}): Parameter<string> {
  return {
    ...schemaOf<string>({ type: 'string', ...said(description), ...keywords }),
    read: (_field, value) => value,
  }
}

/** One of some texts. */
export function choice<const TText extends string>(
  texts: readonly TText[],
  description?: string,
): Parameter<TText> {
  return {
    ...schemaOf<TText>({ type: 'string', enum: texts, ...said(description) }),
    read: (field, value) => readChoice(field, value, texts),
  }
}

/** A point in time, in ISO 8601. */
export function time(description?: string): TimeParameter {
  return {
    ...schemaOf<string>({ type: 'string', format: 'date-time', ...said(description) }),
    read: (field, value) => readTime(field, value),
    readField: (field, value) => (value === undefined || value === null ? undefined : readTime(field, value)),
  }
}

/** A whole number within bounds. */
export function whole(
  minimum: number,
  maximum: number,
  description?: string,
  keywords: Keywords = {},
): Parameter<number> {
  return {
    ...schemaOf<number>({ type: 'integer', minimum, maximum, ...said(description), ...keywords }),
    read: (field, value) => readWhole(field, value, minimum, maximum),
  }
}

/** A whole number of at least 0. */
export function count(description?: string): Schema<number> {
  return schemaOf({ type: 'integer', minimum: 0, ...said(description) })
}

/** Any whole number. */
export function integer(description?: string): Schema<number> {
  return schemaOf({ type: 'integer', ...said(description) })
}

/** Any number. */
export function number(description?: string): Schema<number> {
  return schemaOf({ type: 'number', ...said(description) })
}

/** True or false. */
export function flag(description?: string): Parameter<boolean> {
  return {
    ...schemaOf<boolean>({ type: 'boolean', ...said(description) }),
    read: (field, value) => readChoice(field, value, ['true', 'false']) === 'true',
  }
}

/** A list. */
export function list<TItem>(items: Schema<TItem>, description?: string): Schema<readonly TItem[]> {
  return schemaOf({ type: 'array', items: items.json, ...said(description) }, [items])
}

/** An object whose names mean something, such as headers. */
export function record<TItem>(
  values: Schema<TItem>,
  description?: string,
): Schema<{ readonly [name: string]: TItem }> {
  return schemaOf({ type: 'object', additionalProperties: values.json, ...said(description) }, [values])
}

/** An object of these properties. */
export function object<TObject>(properties: Properties<TObject>, description?: string): Schema<TObject> {
  const entries = Object.entries<Description & { readonly isOptional?: boolean }>(properties)
  const required = entries.flatMap(([name, { isOptional }]) => (isOptional === true ? [] : [name]))
  return schemaOf(
    {
      type: 'object',
      ...(required.length > 0 ? { required } : {}),
      properties: Object.fromEntries(entries.map(([name, { json }]) => [name, json])),
      ...said(description),
    },
    entries.map(([, part]) => part),
  )
}

/** The form of an object that has a `code`, without that. */
type FormOf<TUnion, TCode> = Omit<Extract<TUnion, { readonly code: TCode }>, 'code'>

/** An object of one of several forms, told apart by its `code`: of each what it means, and its other properties. */
export function byCode<TUnion extends { readonly code: string }>(
  forms: {
    readonly [TCode in TUnion['code']]: readonly [string, Properties<FormOf<TUnion, TCode>>]
  },
): Schema<TUnion> {
  const entries = Object.entries<readonly [string, object]>(forms)
  const schemas = entries.map(([code, [description, properties]]) =>
    object({ code: choice([code]), ...properties }, description),
  )
  return schemaOf({ oneOf: schemas.map(({ json }) => json) }, schemas)
}

/** A property that may be missing. */
export function optional<TValue>(schema: Schema<TValue>): OptionalSchema<TValue> {
  return { ...schema, isOptional: true }
}

/** A value, or null. */
export function nullable<TValue>(schema: Schema<TValue>): Schema<TValue | null> {
  return schemaOf({ anyOf: [schema.json, { type: 'null' }] }, [schema])
}

/** A value of one of two forms. */
export function either<TFirst, TSecond>(
  first: Schema<TFirst>,
  second: Schema<TSecond>,
): Schema<TFirst | TSecond> {
  return schemaOf({ anyOf: [first.json, second.json] }, [first, second])
}

/** A value that only its own description says more of. */
export function anything<TValue>(description: string, keywords: Keywords = {}): Schema<TValue> {
  return schemaOf({ description, ...keywords })
}

/** A schema that stands in the document once, by its name. */
export function named<TValue>(name: string, schema: Schema<TValue>): Schema<TValue> {
  const self = { json: { $ref: `#/components/schemas/${name}` }, components: { [name]: schema.json } }
  return schemaOf(self.json, [schema, self])
}
