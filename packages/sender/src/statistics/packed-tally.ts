import { MINUTE_MS, type Tally } from './counters.ts'

/** What a batch has counted, as one text: written with every batch, so that it is short and quick to make. */
export function packTallies(tallies: readonly Tally[]): string {
  let text = ''
  for (const { endpointKey, fromOn, succeeded, failed, exhausted, latency } of tallies) {
    text += `${endpointKey},${fromOn / MINUTE_MS},${succeeded},${failed},${exhausted}`
    for (const [size, count] of latency) text += `,${size},${count}`
    text += ';'
  }
  return text
}

/** The same, read. */
export function unpackTallies(text: string): Tally[] {
  return text
    .split(';')
    .filter((part) => part !== '')
    .map((part) => {
      const numbers = part.split(',').map(Number)
      const [endpointKey = 0, minute = 0, succeeded = 0, failed = 0, exhausted = 0, ...packed] = numbers
      const latency = new Map<number, number>()
      for (let index = 0; index < packed.length; index += 2) {
        latency.set(packed[index] as number, packed[index + 1] as number)
      }
      return { endpointKey, fromOn: minute * MINUTE_MS, succeeded, failed, exhausted, latency }
    })
}
