import { type ZodType, z } from 'zod'
import type { Entities } from './define-entity.ts'

/** The largest id that either database gives. */
export const MAX_ID = 2_147_483_647

/** The id of an entity, in a JSON body. */
export const entityId = z.int().positive().max(MAX_ID)

/** A line of text. Control characters are in nobody's name, and PostgreSQL cannot store all of them. */
export function line(maxLength: number) {
  return z
    .string()
    .trim()
    .max(maxLength)
    .regex(/^[^\p{Cc}\p{Cs}]*$/u, 'must not contain control characters or half surrogate pairs')
}

/** Text of several lines; of control characters, tabulators and line breaks are among it. */
export function lines(maxLength: number) {
  return z
    .string()
    .max(maxLength)
    .regex(/^(?:[^\p{Cc}\p{Cs}]|[\t\n\r])*$/u, 'must not contain control characters or half surrogate pairs')
}

/**
 * One field of an entity. It becomes a column of the table, a property of what the API answers, a property of
 * what may be sent unless `input` is undefined, and a property of the events' data unless it is private.
 */
export interface Field<TValue = unknown, TInput = unknown, TPrivate extends boolean = boolean> {
  readonly column: 'text' | 'integer'
  readonly isNullable: boolean
  /** What a row holds. */
  readonly value: ZodType<TValue>
  /** What may be sent; undefined for a field that the host sets. */
  readonly input: ZodType<TInput> | undefined
  readonly isPrivate: TPrivate
  /** The entity that the field refers to; it has to belong to the same tenant, and to the same site. */
  readonly refersTo: keyof Entities | undefined
  /** Whether the row is deleted with the one it refers to; otherwise that one cannot be deleted. */
  readonly isPartOf: boolean
}

const plain = { isNullable: false, isPrivate: false, refersTo: undefined, isPartOf: false } as const

/** A text; `input` says which may be sent. */
export function text<TInput>(input: ZodType<TInput>): Field<string, TInput, false> {
  return { ...plain, column: 'text', value: z.string(), input }
}

/** A whole number. */
export function integer<TInput>(input: ZodType<TInput>): Field<number, TInput, false> {
  return { ...plain, column: 'integer', value: z.int(), input }
}

/** A whole number that the host sets. */
export function integerOfHost(): Field<number, never, false> {
  return { ...plain, column: 'integer', value: z.int().min(0), input: undefined }
}

/** A text that the host sets. */
export function textOfHost(value: ZodType<string> = z.string()): Field<string, never, false> {
  return { ...plain, column: 'text', value, input: undefined }
}

/** The id of another entity. */
export function refersTo(entity: keyof Entities): Field<number, number, false> {
  return { ...plain, column: 'integer', value: entityId, input: entityId, refersTo: entity }
}

/** The id of another entity, with which this one is deleted. */
export function partOf(entity: keyof Entities): Field<number, number, false> {
  return { ...refersTo(entity), isPartOf: true }
}

/** The same field, left out of events: they travel to every URL that a tenant has configured. */
export function withheld<TValue, TInput>(field: Field<TValue, TInput, boolean>): Field<TValue, TInput, true> {
  return { ...field, isPrivate: true }
}

/** The same field, which may be left out; `columns` of the entity says what is stored then. */
export function optional<TValue, TInput, TPrivate extends boolean>(
  field: Field<TValue, TInput, TPrivate>,
): Field<TValue, TInput | undefined, TPrivate> {
  return { ...field, input: field.input?.optional() }
}

/** The same field, which may be null. */
export function nullable<TValue, TInput, TPrivate extends boolean>(
  field: Field<TValue, TInput, TPrivate>,
): Field<TValue | null, TInput | null | undefined, TPrivate> {
  return { ...field, isNullable: true, value: field.value.nullable(), input: field.input?.nullish() }
}
