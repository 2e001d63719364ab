import type { Socket } from 'node:net'

/** Removes interim responses from the bytes of one exchange. */
export interface InterimFilter {
  /** Whether interim responses, or the beginning of a response, have arrived since {@link begin}. */
  readonly hasBegun: boolean
  /** Whether the final response has begun. Its bytes pass unchanged. */
  readonly isFinal: boolean
  /** A request is sent: a response begins with the next byte. */
  begin(): void
  /**
   * Takes bytes as they arrive.
   *
   * @returns those of the final response; undefined when there are none among them.
   * @throws where interim responses take more bytes than are read
   */
  take(chunk: Buffer): Buffer | undefined
}

/** Thrown where interim responses take more bytes than are read. */
class TooManyInterimError extends Error {
  readonly code = 'X_TOO_MANY_INTERIM'

  constructor() {
    super(`The consumer has sent more than ${MAX_INTERIM_BYTES} bytes of 1xx responses, and no final one.`)
  }
}

/** Thrown where the rest of the request before is still unsent, so that none can follow on the connection. */
class UnsentError extends Error {
  constructor() {
    super('The response before came early, and the rest of its request is not sent yet.')
  }
}

/** A few hundred of them, or some with large headers. */
export const MAX_INTERIM_BYTES = 64 * 1024
// Up to the last digit of the status. 101 is none of them: it ends HTTP.
const STATUS_LENGTH = 'HTTP/1.1 100'.length
const INTERIM = /^HTTP\/\d\.\d 1(?!01)\d\d$/
const BEGINNING = /^H(T(T(P(\/(\d(\.(\d( (1\d?)?)?)?)?)?)?)?)?)?$/
const LF = 0x0a
const CR = 0x0d

/**
 * Creates a filter that removes interim responses (RFC 9110, 15.2). A client must read them even unrequested, and undici
 * closes the connection at a 100.
 */
export function createInterimFilter(): InterimFilter {
  let phase: 'status' | 'interim' | 'final' = 'final'
  /** The beginning of a status line, until it is long enough to classify. */
  let held = ''
  let skipped = 0
  /** What the last bytes of an interim response were: the end of a line, of which an empty one ends the response. */
  let lineEnd: 'none' | 'lf' | 'lf cr' = 'none'

  function skip(bytes: number): void {
    skipped += bytes
    if (skipped > MAX_INTERIM_BYTES) throw new TooManyInterimError()
  }

  /** @returns where the interim response ends; the length of the chunk when it goes on. */
  function endOf(chunk: Buffer, from: number): number {
    for (let at = from; at < chunk.length; at += 1) {
      const byte = chunk[at]
      if (byte === LF && lineEnd !== 'none') {
        phase = 'status'
        return at + 1
      }
      if (byte === LF) lineEnd = 'lf'
      else lineEnd = byte === CR && lineEnd === 'lf' ? 'lf cr' : 'none'
    }
    return chunk.length
  }

  return {
    get hasBegun() {
      return skipped > 0 || held !== ''
    },
    get isFinal() {
      return phase === 'final'
    },
    begin() {
      phase = 'status'
      held = ''
      skipped = 0
    },
    take(chunk) {
      let at = 0
      while (at < chunk.length) {
        if (phase === 'final') return chunk.subarray(at)
        if (phase === 'interim') {
          const end = endOf(chunk, at)
          skip(end - at)
          at = end
          continue
        }
        const isBlank = held === '' && (chunk[at] === LF || chunk[at] === CR)
        if (isBlank) {
          skip(1)
          at += 1
          continue
        }
        const before = held
        const part = chunk.toString('latin1', at, at + STATUS_LENGTH - before.length)
        held = before + part
        if (INTERIM.test(held)) {
          phase = 'interim'
          lineEnd = 'none'
          held = ''
          skip(part.length)
          at += part.length
        } else if (BEGINNING.test(held)) {
          return undefined
        } else {
          phase = 'final'
          held = ''
          const rest = chunk.subarray(at)
          return before === '' ? rest : Buffer.concat([Buffer.from(before, 'latin1'), rest])
        }
      }
      return undefined
    },
  }
}

/**
 * Removes interim responses from the bytes that are read from a connection. Every write begins a request, and one
 * request is in flight at a time.
 */
export function skipInterimResponses(socket: Socket): Pick<InterimFilter, 'hasBegun'> {
  const filter = createInterimFilter()
  const read = socket.read.bind(socket)
  const write = socket.write.bind(socket) as (...values: unknown[]) => boolean

  socket.read = (size) => {
    for (;;) {
      const chunk: Buffer | null = read(size)
      if (chunk === null || filter.isFinal) return chunk
      try {
        const rest = filter.take(chunk)
        if (rest) return rest
      } catch (error) {
        socket.destroy(error as Error)
        return null
      }
    }
  }
  socket.write = (...values: unknown[]) => {
    const isUnsent = filter.isFinal && socket.writableLength > 0
    filter.begin()
    if (isUnsent) socket.destroy(new UnsentError())
    return write(...values)
  }
  return filter
}
