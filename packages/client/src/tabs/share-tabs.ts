import { assertOptions, type Rules } from '../assert.ts'
import type { SyncTabs } from '../options.ts'
import { createTabTransport } from './tab-transport.ts'

/** The options of {@link shareTabs}. */
export interface ShareTabsOptions {
  /**
   * Tabs with the same origin, `url`, `siteKey` and group share a connection. Name the signed-in user, if the events that
   * the server sends depend on it.
   *
   * @defaultValue ''
   */
  readonly group?: string | undefined
}

const RULES: Rules<ShareTabsOptions> = { group: ['a text', (value) => typeof value === 'string'] }

/**
 * Shares one connection between the tabs of a browser: one of them has it and passes events on to the others. When it is
 * closed, frozen or crashes, another takes over at the same position. Where the browser has no
 * Web Locks (pages without HTTPS, except localhost), each tab has a connection of its own.
 *
 * @throws SyncClientError `invalid_option`, naming the option.
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
export function shareTabs(options: ShareTabsOptions = {}): SyncTabs {
  assertOptions('shareTabs', options, RULES)
  const { group = '' } = options
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
