import { randomBytes } from 'node:crypto'
import { hostname } from 'node:os'
import process from 'node:process'
import { threadId } from 'node:worker_threads'

const LIVING = Symbol.for('@x/events-engine.living-nodes')

/** The nodes that live in this thread: a test or a host may run several, from several copies of this module. */
function livingNodes(): Set<string> {
  const holder = globalThis as { [LIVING]?: Set<string> }
  holder[LIVING] ??= new Set()
  return holder[LIVING]
}

/** Creates a unique name for an engine: host, process, thread, and random digits. */
export function createNodeId(): string {
  const nodeId = `${hostname()}:${process.pid}:${threadId}:${randomBytes(6).toString('hex')}`
  livingNodes().add(nodeId)
  return nodeId
}

/** Call it when a node has released all its leases. */
export function retireNode(nodeId: string): void {
  livingNodes().delete(nodeId)
}

const NODE_ID = /^(?<host>.*):(?<pid>\d+):(?<thread>\d+):[0-9a-f]+$/

/**
 * Whether a node has certainly ended: it was on this host, and its process is gone, or is this one under a former name. So
 * a restarted host need not wait until its former leases expire. Ask only about nodes that share a SQLite file, and thus
 * the machine. Where in doubt, a node counts as alive.
 */
export function isDeadNeighbour(nodeId: string): boolean {
  const { host, pid, thread } = NODE_ID.exec(nodeId)?.groups ?? {}
  if (host !== hostname() || pid === undefined) return false
  if (Number(pid) === process.pid) return Number(thread) === threadId && !livingNodes().has(nodeId)
  try {
    process.kill(Number(pid), 0)
    return false
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH'
  }
}
