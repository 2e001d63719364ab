import type { SyncTabs } from '../options.ts'
import { createTabTransport } from './tab-transport.ts'

/** What {@link shareTabs} takes. */
export interface ShareTabsOptions {
  /**
   * Tabs share a connection that have the same origin, `url`, `siteKey` and this. Name whoever is
   * signed in, if that makes a difference to what the server tells.
   *
   * @defaultValue ''
   */
  readonly group?: string | undefined
}

/**
 * Lets the tabs of a browser share one connection: one of them has it and tells the others, and when
 * it is closed, frozen or crashes, another takes over where all of them were. Where the browser has no
 * Web Locks (pages without HTTPS, except localhost), each tab has a connection of its own.
 *
 * @example
 * ```ts
 * import { createSyncClient } from '@x/client'
 * import { shareTabs } from '@x/client/tabs'
 *
 * const client = createSyncClient({
 *   url: 'https://www.example.com/api/Sync',
 *   tabs: shareTabs({ group: 'ada' }),
 * })
 * client.start()
 * ```
 */
export function shareTabs({ group = '' }: ShareTabsOptions = {}): SyncTabs {
  return {
    share(connection) {
      const { url, site } = connection.settings
      const locks = globalThis.navigator?.locks
      if (!locks || !globalThis.BroadcastChannel) return connection.connect(connection.sink)
      const name = JSON.stringify(['@x/client', url, site?.tenantId, site?.siteId, group])
      return createTabTransport(connection, name, locks)
    },
  }
}
