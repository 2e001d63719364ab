import { randomFillSync } from 'node:crypto'

const PREFIX = 'evt_'
const COUNTER_MAX = 0xfff
/** Random bytes are drawn for many ids at once: drawing them costs more than the rest of an id. */
const RANDOM_BYTES = 8 * 128

/**
 * Makes event ids: `evt_` and a UUID version 7 (RFC 9562, 5.7), whose `rand_a` is a counter within
 * the millisecond (6.2, method 1). Ids of one process ascend, even when its clock is set back.
 */
export function createEventIdGenerator(now: () => number): () => string {
  const pool = Buffer.alloc(RANDOM_BYTES)
  let used = RANDOM_BYTES
  let lastMs = 0
  let counter = 0

  return function nextEventId() {
    const ms = now()
    if (used === RANDOM_BYTES) {
      randomFillSync(pool)
      used = 0
    }
    const random = pool.subarray(used, used + 8)
    used += 8
    if (ms > lastMs) {
      lastMs = ms
      // Starts in the lower half, so that there is room to count up.
      counter = random.readUInt16BE(6) & (COUNTER_MAX >> 1)
    } else if (counter < COUNTER_MAX) {
      counter += 1
    } else {
      lastMs += 1
      counter = 0
    }
    const time = lastMs.toString(16).padStart(12, '0')
    const randA = (0x7000 | counter).toString(16)
    random[0] = ((random[0] as number) & 0x3f) | 0x80
    const randB = random.toString('hex')
    return `${PREFIX}${time.slice(0, 8)}-${time.slice(8)}-${randA}-${randB.slice(0, 4)}-${randB.slice(4)}`
  }
}
