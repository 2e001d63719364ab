/** A bigint as drivers give it: text, unless the host has told its driver otherwise. */
export type StoredNumber = string | number | bigint

/** A number that may be missing. */
export function numberOrNull(value: StoredNumber | null): number | null {
  return value === null ? null : Number(value)
}

/** SQL: the numbers of a parameter that is a JSON list. */
export function keysOf(parameter: string): string {
  return `array(select listed::bigint from json_array_elements_text(${parameter}) listed)`
}
