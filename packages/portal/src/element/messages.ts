/** What the element says to the portal in its frame. */
export interface ToPortal {
  readonly type: 'x-portal-hello'
  readonly colorScheme?: 'auto' | 'light' | 'dark' | undefined
  readonly locale?: 'en' | 'de' | undefined
}

/** What the portal says to the element around it. */
export type FromPortal =
  | { readonly type: 'x-portal-height'; readonly height: number }
  | { readonly type: 'x-portal-navigate'; readonly path: string }
  | { readonly type: 'x-portal-expired' }
