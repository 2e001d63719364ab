/** Writes a count with the right form of its noun: "1 event", "2 events". */
export type Plural = (count: number, one: string, other: string) => string

/** The plurals of a language. */
export function pluralOf(locale: string): Plural {
  const rules = new Intl.PluralRules(locale)
  const numbers = new Intl.NumberFormat(locale)
  return (count, one, other) => `${numbers.format(count)} ${rules.select(count) === 'one' ? one : other}`
}
