import type { IncomingMessage } from 'node:http'
import type { Request, Response } from 'express'
import { SESSION_MS } from '../repositories/session-repository.ts'

const NAME = 'host_session'
const TOKEN = new RegExp(`(?:^|;)\\s*${NAME}=([\\w-]{43})\\s*(?:;|$)`)

/** The token of a session, from the `Cookie` header. */
export function sessionToken({ headers }: Pick<IncomingMessage, 'headers'>): string | undefined {
  return TOKEN.exec(headers.cookie ?? '')?.[1]
}

/** Gives the browser a session, out of the reach of scripts and of other sites. */
export function setSessionCookie(request: Request, response: Response, token: string): void {
  const { secure } = request
  response.cookie(NAME, token, { httpOnly: true, sameSite: 'lax', secure, path: '/', maxAge: SESSION_MS })
}

/** Takes it back. */
export function clearSessionCookie(request: Request, response: Response): void {
  response.clearCookie(NAME, { httpOnly: true, sameSite: 'lax', secure: request.secure, path: '/' })
}
