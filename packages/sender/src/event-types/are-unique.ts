const CHARACTERS_IN_A_STEP = 32

/**
 * Whether no two values of JSON are the same. Only those are compared whose hashes are equal; whoever finds many such
 * values pays for the comparisons.
 *
 * @param spend - is told what each few steps took; throws to end it.
 */
export function areUnique(values: readonly unknown[], spend: (steps: number) => void): boolean {
  const byHash = new Map<number, unknown[]>()

  function spendText(text: string): void {
    spend(Math.floor(text.length / CHARACTERS_IN_A_STEP))
  }

  function hashOf(value: unknown): number {
    spend(1)
    if (typeof value === 'string') return hashOfText(value, 1)
    if (typeof value !== 'object' || value === null) return hashOfText(String(value === 0 ? 0 : value), 2)
    let sum = Array.isArray(value) ? 3 : 4
    if (Array.isArray(value)) {
      for (let index = 0; index < value.length; index++) sum = mixed(sum, hashOf(value[index]))
      return sum
    }
    // In whichever order they stand.
    const members = value as Readonly<Record<string, unknown>>
    for (const name of Object.keys(members))
      sum = (sum + mixed(hashOfText(name, 5), hashOf(members[name]))) | 0
    return sum
  }

  function hashOfText(text: string, seed: number): number {
    spendText(text)
    let hash = seed
    for (let index = 0; index < text.length; index++) hash = mixed(hash, text.charCodeAt(index))
    return hash
  }

  function areSame(one: unknown, other: unknown): boolean {
    spend(1)
    if (typeof one === 'string') spendText(one)
    if (one === other) return true
    if (typeof one !== 'object' || typeof other !== 'object' || one === null || other === null) return false
    if (Array.isArray(one) !== Array.isArray(other)) return false
    const members = Object.entries(one)
    const others = new Map(Object.entries(other))
    spend(others.size)
    return (
      members.length === others.size &&
      members.every(([name, value]) => others.has(name) && areSame(value, others.get(name)))
    )
  }

  for (const value of values) {
    const hash = hashOf(value)
    const alike = byHash.get(hash)
    if (alike === undefined) byHash.set(hash, [value])
    else if (alike.some((one) => areSame(one, value))) return false
    else alike.push(value)
  }
  return true
}

function mixed(hash: number, value: number): number {
  return Math.imul(hash ^ value, 0x01000193)
}
