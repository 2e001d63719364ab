/** Large events of one tenant, or many endpoints, are not to hold up the whole host. */
const LONGEST_TURN_MS = 10

/** Counts the time of a turn of the event loop; the function it returns ends the turn once that is long. */
export function createTurns(): () => Promise<void> | undefined {
  let began = performance.now()
  async function end(): Promise<void> {
    await new Promise(setImmediate)
    began = performance.now()
  }
  return () => (performance.now() - began > LONGEST_TURN_MS ? end() : undefined)
}
