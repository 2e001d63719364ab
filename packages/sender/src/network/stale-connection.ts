import type { Socket } from 'node:net'

const errors = new WeakSet<Error>()

/**
 * Watches a new connection, to tell later whether it had been of use before it was lost. A consumer may
 * close a connection that it holds for idle at the moment when the next request is written to it.
 */
export function watchConnection(socket: Socket): void {
  const readUntilNow = socket.bytesRead
  socket.once('error', (error) => {
    if (socket.bytesRead > readUntilNow) errors.add(error)
  })
}

/** Whether an error is the end of a connection that had been answered on. */
export function isOfUsedConnection(error: Error): boolean {
  return errors.has(error)
}
