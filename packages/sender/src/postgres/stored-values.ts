/** SQL: the numbers of a parameter that is a JSON list. */
export function keysOf(parameter: string): string {
  return `array(select listed::bigint from json_array_elements_text(${parameter}::text::json) listed)`
}
