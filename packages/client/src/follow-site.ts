import { EntityNames, type SyncEvent, SyncEventActions, type TenantSite } from '@x/events-core'
import { SyncClientError } from './errors.ts'
import { concernsSite, parseSiteKey } from './site-key.ts'
import type { SyncClient } from './sync-client.ts'

/** What {@link followSite} takes. */
export interface FollowSiteOptions {
  readonly client: Pick<SyncClient, 'on'>
  /** `tenantId:siteId` of the site that is shown. */
  readonly siteKey: string
  /** Loads the whole application again. */
  readonly reload: (event: SyncEvent) => unknown
  /** Fetches the state of the page again. */
  readonly refresh: (event: SyncEvent) => unknown
}

/**
 * Does what the feed asks of whoever shows a site: reload at Host/Reload and at Site/Reload of this
 * site, refresh at Site/Refresh of this site. However many events come in one answer, or while a
 * refresh is under way, it acts once for all of them; a reload takes precedence; never two at once.
 *
 * @returns a function that ends it.
 * @throws {@link SyncClientError} `invalid_option`, if the site key is none.
 * @example
 * ```ts
 * import { createSyncClient, followSite } from '@x/client'
 *
 * const client = createSyncClient({ url: 'https://www.example.com/api/Sync' })
 * followSite({
 *   client,
 *   siteKey: '1:7',
 *   reload: () => location.reload(),
 *   refresh: () => fetch('/api/Page/current'),
 * })
 * client.start()
 * ```
 */
export function followSite({ client, siteKey, reload, refresh }: FollowSiteOptions): () => void {
  const site = requireSite(siteKey)
  let pending: SyncEvent | undefined
  let isActing = false
  let isEnded = false

  async function act(): Promise<void> {
    isActing = true
    const errors: unknown[] = []
    // The events of one answer are told in one go; after that, all of them have been seen.
    await undefined
    for (let event = pending; event && !isEnded; event = pending) {
      pending = undefined
      try {
        await (event.action === SyncEventActions.Reload ? reload(event) : refresh(event))
      } catch (error) {
        errors.push(error)
      }
    }
    isActing = false
    if (errors.length > 0) throw errors.length === 1 ? errors[0] : new AggregateError(errors)
  }

  // The promise goes back to the client, which reports what it is rejected with.
  function hear(event: SyncEvent): Promise<void> | undefined {
    if (!concernsSite(site, event)) return undefined
    if (pending?.action !== SyncEventActions.Reload) pending = event
    return isActing ? undefined : act()
  }

  const unsubscribe = [
    client.on(`${EntityNames.Host}.Reload`, hear),
    client.on(`${EntityNames.Site}.Reload`, hear),
    client.on(`${EntityNames.Site}.Refresh`, hear),
  ]
  return () => {
    isEnded = true
    for (const end of unsubscribe) end()
  }
}

function requireSite(siteKey: string): TenantSite {
  const site = parseSiteKey(siteKey)
  if (site) return site
  throw new SyncClientError(
    'invalid_option',
    `followSite: options.siteKey must be tenantId:siteId, as in "1:7"; got ${JSON.stringify(siteKey)}`,
  )
}
