import { EntityNames, type SyncEvent, SyncEventActions, type TenantSite } from '@x/events-core'
import { assertOptions, hasMethods, isFunction, type Rule, type Rules } from './assert.ts'
import { concernsSite, parseSiteKey } from './site-key.ts'
import type { SyncClient } from './sync-client.ts'

/** The options of {@link followSite}. */
export interface FollowSiteOptions {
  readonly client: Pick<SyncClient, 'on'>
  /** `tenantId:siteId` of the site that is shown. */
  readonly siteKey: string
  /**
   * The user who is signed in. What they may see and do is different after a User/Reload about them, so the
   * application is loaded again.
   * @defaultValue none: no User/Reload is acted on
   */
  readonly userId?: number | string | undefined
  /** Loads the whole application again. */
  readonly reload: (event: SyncEvent) => unknown
  /** Fetches the state of the page again. */
  readonly refresh: (event: SyncEvent) => unknown
}

const aFunction: Rule = ['a function', isFunction, true]
const RULES: Rules<FollowSiteOptions> = {
  client: [...hasMethods('on'), true],
  siteKey: ['tenantId:siteId, as in "1:7"', parseSiteKey, true],
  userId: ['a number or a text', (value) => typeof value === 'number' || typeof value === 'string'],
  reload: aFunction,
  refresh: aFunction,
}

/**
 * Keeps the page of a site up to date: reloads at Host/Reload, at Site/Reload of this site and at User/Reload of this user,
 * refreshes at Site/Refresh of this site. All events of one response, or of the time of a refresh, cause one action; a reload takes precedence; two
 * actions never run at the same time.
 *
 * @returns a function that ends it.
 * @throws {@link SyncClientError} `invalid_option`, naming the option.
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
export function followSite(options: FollowSiteOptions): () => void {
  assertOptions('followSite', options, RULES)
  const { client, siteKey, userId, reload, refresh } = options
  const site = parseSiteKey(siteKey) as TenantSite
  let pending: SyncEvent | undefined
  let isActing = false
  let isEnded = false

  async function act(): Promise<void> {
    isActing = true
    const errors: unknown[] = []
    // The events of one response are passed on in one turn. After that, all of them have been seen.
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
  function onEvent(event: SyncEvent): Promise<void> | undefined {
    if (!concernsSite(site, event)) return undefined
    return take(event)
  }

  // Users belong to a tenant: the event carries the site that the change was made by, which may be another one.
  function onUserEvent(event: SyncEvent): Promise<void> | undefined {
    const isAbout = event.tenantId === site.tenantId && String(event.entityId) === String(userId)
    return userId !== undefined && isAbout ? take(event) : undefined
  }

  function take(event: SyncEvent): Promise<void> | undefined {
    if (pending?.action !== SyncEventActions.Reload) pending = event
    return isActing ? undefined : act()
  }

  const unsubscribe = [
    client.on(`${EntityNames.Host}.Reload`, onEvent),
    client.on(`${EntityNames.Site}.Reload`, onEvent),
    client.on(`${EntityNames.Site}.Refresh`, onEvent),
    client.on(`${EntityNames.User}.Reload`, onUserEvent),
  ]
  return () => {
    isEnded = true
    for (const end of unsubscribe) end()
  }
}
