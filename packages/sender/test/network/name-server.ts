import { createSocket } from 'node:dgram'

const TYPE_A = 1
const TYPE_AAAA = 28
const NXDOMAIN = 3

/** What the server says of a name: its addresses, that it does not exist, nothing at all, or that it failed. */
export type NameServerReply = readonly string[] | 'unknown' | 'silent' | 'failing'

/** A name server (RFC 1035, over UDP) that a test speaks for. */
export interface TestNameServer extends AsyncDisposable {
  readonly address: string
  /** The questions that have arrived: `A shop.example`, in order. */
  readonly questions: readonly string[]
}

/** Opens a name server on loopback. */
export async function testNameServer(reply: (hostname: string) => NameServerReply): Promise<TestNameServer> {
  const socket = createSocket('udp4')
  const questions: string[] = []
  socket.on('message', (query, { port, address }) => {
    const { hostname, type, end } = questionOf(query)
    questions.push(`${type === TYPE_A ? 'A' : 'AAAA'} ${hostname}`)
    const found = reply(hostname)
    if (found === 'silent') return
    const code = found === 'unknown' ? NXDOMAIN : found === 'failing' ? 2 : 0
    const records = Array.isArray(found)
      ? found.filter((one) => one.includes(':') === (type === TYPE_AAAA))
      : []
    const header = Buffer.from(query.subarray(0, 12))
    header.writeUInt16BE(0x8180 | code, 2)
    header.writeUInt16BE(records.length, 6)
    header.writeUInt32BE(0, 8)
    const answers = records.map((one) => recordOf(type, one))
    socket.send(Buffer.concat([header, query.subarray(12, end), ...answers]), port, address)
  })
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve))
  return {
    address: `127.0.0.1:${socket.address().port}`,
    questions,
    [Symbol.asyncDispose]: () => new Promise<void>((resolve) => socket.close(() => resolve())),
  }
}

function questionOf(query: Buffer): { hostname: string; type: number; end: number } {
  const labels: string[] = []
  let at = 12
  for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
    labels.push(query.toString('latin1', at + 1, at + 1 + length))
    at += 1 + length
  }
  return { hostname: labels.join('.').toLowerCase(), type: query.readUInt16BE(at + 1), end: at + 5 }
}

function recordOf(type: number, address: string): Buffer {
  const bytes =
    type === TYPE_A
      ? Buffer.from(address.split('.').map(Number))
      : Buffer.from(address.replaceAll(':', ''), 'hex')
  const head = Buffer.alloc(12)
  // The name is that of the question, at offset 12.
  head.writeUInt16BE(0xc00c, 0)
  head.writeUInt16BE(type, 2)
  head.writeUInt16BE(1, 4)
  head.writeUInt32BE(60, 6)
  head.writeUInt16BE(bytes.length, 10)
  return Buffer.concat([head, bytes])
}
