import { z } from 'zod'

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
export function text(maxLength: number) {
  return z
    .string()
    .max(maxLength)
    .regex(/^(?:[^\p{Cc}\p{Cs}]|[\t\n\r])*$/u, 'must not contain control characters or half surrogate pairs')
}
