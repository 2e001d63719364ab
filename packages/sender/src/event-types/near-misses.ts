const MAX_SUGGESTIONS = 3
/** A comparison takes as long as both names are long, multiplied. */
const MAX_COMPARED = 500
const MAX_LENGTH = 100

/** Finds the known names that a wrong one may stand for, the nearest first. */
export function nearMisses(name: string, known: Iterable<string>): string[] {
  if (name.length > MAX_LENGTH) return []
  const wanted = name.toLowerCase()
  const farthest = Math.max(2, Math.floor(name.length / 4))
  return [...new Set(known)]
    .filter((one) => Math.abs(one.length - name.length) <= farthest)
    .slice(0, MAX_COMPARED)
    .map((one) => ({ one, distance: editDistance(wanted, one.toLowerCase()) }))
    .filter(({ distance }) => distance <= farthest)
    .sort((a, b) => a.distance - b.distance || a.one.localeCompare(b.one))
    .slice(0, MAX_SUGGESTIONS)
    .map(({ one }) => one)
}

/** How many letters have to be put in, taken away or changed to make one text the other. */
function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, index) => index)
  for (let i = 1; i <= from.length; i++) {
    const next = [i]
    for (let j = 1; j <= to.length; j++) {
      const changed = (row[j - 1] as number) + (from[i - 1] === to[j - 1] ? 0 : 1)
      next.push(Math.min(changed, (row[j] as number) + 1, (next[j - 1] as number) + 1))
    }
    row = next
  }
  return row[to.length] as number
}
