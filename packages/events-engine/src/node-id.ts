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

/** A name for an engine that no other has: host, process, thread, and a few random digits. */
export function createNodeId(): string {
  const nodeId = `${hostname()}:${process.pid}:${threadId}:${randomBytes(6).toString('hex')}`
  livingNodes().add(nodeId)
  return nodeId
}

/** To be called when a node has handed back everything it held. */
export function retireNode(nodeId: string): void {
  livingNodes().delete(nodeId)
}

const NODE_ID = /^(?<host>.*):(?<pid>\d+):(?<thread>\d+):[0-9a-f]+$/

/**
 * Whether a node certainly runs no more: it was on this host, and its process is gone, or is
 * ourselves under a former name. Lets a restarted host go on at once instead of waiting until the
 * leases of its former life run out. Only to be asked about nodes that share a SQLite file, which
 * are known to share the machine; whatever is doubtful counts as alive.
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
