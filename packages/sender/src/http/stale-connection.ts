import type { Socket } from 'node:net'
import { skipInterimResponses } from './interim-responses.ts'

const errors = new WeakSet<Error>()

/**
 * Watches a new connection, to tell later whether it had been of use before it was lost. A consumer may
 * close a connection that it holds for idle at the moment when the next request is written to it.
 */
export function watchConnection(socket: Socket): void {
  const readUntilNow = socket.bytesRead
  const response = skipInterimResponses(socket)
  socket.once('error', (error) => {
    // A consumer that has said 100 or 102 has the request.
    if (socket.bytesRead > readUntilNow && !response.hasBegun) errors.add(error)
  })
}

/** Whether an error is the end of a connection that had been answered on. */
export function isOfUsedConnection(error: Error): boolean {
  return errors.has(error)
}
