/** An answer that is no success, as its problem document tells it. */
export class Problem extends Error {
  readonly status: number
  readonly code: string
  /** The field of the input that was wrong. */
  readonly field: string | undefined

  constructor(status: number, code: string, detail: string, field?: string) {
    super(detail)
    this.status = status
    this.code = code
    this.field = field
  }
}

type Method = 'GET' | 'POST' | 'PATCH' | 'DELETE'

const whenSignedOut = new Set<() => void>()

/** Hears of an answer that says that nobody is signed in any more. */
export function onSignedOut(listener: () => void): () => void {
  whenSignedOut.add(listener)
  return () => void whenSignedOut.delete(listener)
}

/**
 * Asks the portal's API, which lies beside this page wherever the portal is mounted.
 *
 * @throws Problem
 */
export async function ask<TAnswer>(method: Method, path: string, body?: object): Promise<TAnswer> {
  const init: RequestInit = { method, credentials: 'same-origin', headers: { accept: 'application/json' } }
  if (body) {
    init.headers = { ...init.headers, 'content-type': 'application/json' }
    init.body = JSON.stringify(body)
  }
  const answer = await fetch(`api/${path}`, init).catch(() => {
    throw new Problem(0, 'unreachable', 'The server cannot be reached. Is your network up?')
  })
  if (answer.status === 204) return undefined as TAnswer
  const content = (await answer.json().catch(() => ({}))) as Record<string, unknown>
  if (answer.ok) return content as TAnswer
  const { code = 'error', detail = `The server answered ${answer.status}.`, field } = content
  const problem = new Problem(
    answer.status,
    String(code),
    String(detail),
    typeof field === 'string' ? field : undefined,
  )
  if (problem.status === 401 && problem.code === 'unauthorized') for (const tell of whenSignedOut) tell()
  throw problem
}
