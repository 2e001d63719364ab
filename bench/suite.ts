/** A set of measurements that are compared with each other in one run. */
export interface Suite {
  readonly name: string
  readonly title: string
  /** Gives lines of Markdown. */
  run(): Promise<string[]>
}

/** The middle of some numbers. */
export function median(values: readonly number[]): number {
  return percentile(values, 50)
}

/** The value below which so many per cent of the numbers lie. */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = [...values].sort((one, other) => one - other)
  return sorted[Math.min(sorted.length - 1, Math.floor((sorted.length * percent) / 100))] ?? Number.NaN
}

/**
 * Measures alternatives in turn, A B A B, so that what else happens on the machine hits all of them;
 * some rounds more at first, which do not count.
 *
 * @param warmUps - how many: until the code is compiled, and caches are full.
 * @returns what each alternative measured, round by round.
 */
export async function inTurn<TName extends string>(
  rounds: number,
  alternatives: Record<TName, () => Promise<number>>,
  warmUps = 1,
): Promise<Record<TName, number[]>> {
  const names = Object.keys(alternatives) as TName[]
  const measured = Object.fromEntries(names.map((name) => [name, []])) as unknown as Record<TName, number[]>
  for (let round = -warmUps; round < rounds; round++) {
    for (const name of names) {
      const value = await alternatives[name]()
      if (round >= 0) measured[name].push(value)
    }
  }
  return measured
}

/** The ratios of two alternatives, round by round: median, and from where to where. */
export function ratio(values: readonly number[], to: readonly number[]): string {
  const ratios = values.map((value, round) => value / (to[round] as number))
  const shown = (value: number) => value.toFixed(2)
  return `${shown(median(ratios))} [${shown(Math.min(...ratios))}..${shown(Math.max(...ratios))}]`
}

/** Lines of a Markdown table. */
export function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string[] {
  const line = (cells: readonly (string | number)[]) => `| ${cells.join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)]
}

/** A number for people. */
export function count(value: number): string {
  return Math.round(value).toLocaleString('en')
}
