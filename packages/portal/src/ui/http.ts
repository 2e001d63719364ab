import { sessionHeaders } from './session-token.ts'

/** A response that is no success. What its problem document says in words is for programmers: pages show a text by code. */
export class Problem extends Error {
  readonly status: number
  readonly code: string
  /** The field of the input that was wrong. */
  readonly field: string | undefined
  /** What may have been meant there; undefined where no name was wrong. */
  readonly suggestions: readonly string[] | undefined

  constructor(status: number, code: string, field?: string, suggestions?: readonly string[]) {
    super(code)
    this.status = status
    this.code = code
    this.field = field
    this.suggestions = suggestions
  }
}

/** What was thrown, as a problem. */
export function problemOf(error: unknown): Problem {
  return error instanceof Problem ? error : new Problem(0, 'internal_error')
}

type Method = 'GET' | 'POST' | 'PATCH' | 'DELETE'

const whenSignedOut = new Set<() => void>()

/** Hears of a response that says that nobody is signed in any more. */
export function onSignedOut(listener: () => void): () => void {
  whenSignedOut.add(listener)
  return () => void whenSignedOut.delete(listener)
}

/**
 * Asks the portal's API, which lies beside this page wherever the portal is mounted.
 *
 * @throws Problem
 */
export async function ask<TData>(method: Method, path: string, body?: object): Promise<TData> {
  const init: RequestInit = {
    method,
    credentials: 'same-origin',
    headers: { accept: 'application/json', ...sessionHeaders() },
  }
  if (body) {
    init.headers = { ...init.headers, 'content-type': 'application/json' }
    init.body = JSON.stringify(body)
  }
  const response = await fetch(`api/${path}`, init).catch(() => {
    throw new Problem(0, 'unreachable')
  })
  if (response.status === 204) return undefined as TData
  const content = (await response.json().catch(() => ({}))) as Record<string, unknown>
  if (response.ok) return content as TData
  const { code, field, suggestions } = content
  const problem = new Problem(
    response.status,
    typeof code === 'string' ? code : 'error',
    typeof field === 'string' ? field : undefined,
    Array.isArray(suggestions) ? suggestions : undefined,
  )
  if (problem.status === 401 && problem.code === 'unauthorized') for (const tell of whenSignedOut) tell()
  throw problem
}
