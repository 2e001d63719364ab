import { z } from 'zod'
import { line } from './input.ts'

/** Somebody known to a tenant. */
export interface User {
  readonly userId: number
  readonly tenantId: number
  readonly username: string
  readonly displayName: string
  readonly email: string
}

// Events about it carry it, and the compiler knows. Its address stays here, for those with a token.
declare module '@x/events-core' {
  interface EntityTypes {
    User: Omit<User, 'email'>
  }
}

export const USERNAME = /^[\w.@+-]{1,100}$/

export const userInput = z.object({
  username: z.string().regex(USERNAME, 'letters, digits and .@+-_ only'),
  displayName: line(200).min(1),
  email: z.email().max(254),
})

export type UserInput = z.infer<typeof userInput>
