// Answers POSTs with 204, as quickly as Node can, in a process of its own: what is measured is who sends.
import { createServer, type Server, type Socket } from 'node:net'
import process from 'node:process'
import type { SinkCommand, SinkReport } from './sink.ts'

const ANSWER = Buffer.from('HTTP/1.1 204 No Content\r\n\r\n')
const HEAD_END = Buffer.from('\r\n\r\n')
const LENGTH = /\r\ncontent-length: (\d+)/i
const SENT_AT = Buffer.from('"sentAt":')

let servers: Server[] = []
let requests: number[] = []
let delays: number[] = []
let timing = false
let hanging = -1

function receive(port: number, body: Buffer): void {
  requests[port] = (requests[port] ?? 0) + 1
  if (!timing) return
  const now = Number(process.hrtime.bigint()) / 1e6
  const start = body.indexOf(SENT_AT)
  if (start >= 0)
    delays.push(now - Number.parseFloat(body.toString('latin1', start + SENT_AT.length, start + 40)))
}

/** Requests as they come in, each whole; one connection sends one after the other. */
function serve(index: number, socket: Socket): void {
  let pending: Buffer | undefined
  socket.setNoDelay()
  socket.on('error', () => socket.destroy())
  socket.on('data', (chunk: Buffer) => {
    let bytes = pending ? Buffer.concat([pending, chunk]) : chunk
    for (;;) {
      const headEnd = bytes.indexOf(HEAD_END)
      if (headEnd < 0) break
      const length = Number(LENGTH.exec(bytes.toString('latin1', 0, headEnd))?.[1] ?? 0)
      const end = headEnd + HEAD_END.length + length
      if (bytes.length < end) break
      receive(index, bytes.subarray(headEnd + HEAD_END.length, end))
      if (index !== hanging) socket.write(ANSWER)
      bytes = bytes.subarray(end)
    }
    pending = bytes.length > 0 ? bytes : undefined
  })
}

async function listen(origins: number): Promise<number[]> {
  servers = Array.from({ length: origins }, (_, index) => createServer((socket) => serve(index, socket)))
  await Promise.all(
    servers.map((server) => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', 4_096, resolve))),
  )
  return servers.map((server) => (server.address() as { port: number }).port)
}

process.on('message', async (command: SinkCommand) => {
  if (command.kind === 'listen') process.send?.(await listen(command.origins))
  if (command.kind === 'begin') {
    requests = []
    delays = []
    timing = command.timing
    hanging = command.hanging
    process.send?.([])
  }
  if (command.kind === 'report') process.send?.({ requests, delays } satisfies SinkReport)
})
// Whoever has started it is gone.
process.on('disconnect', () => process.exit())
