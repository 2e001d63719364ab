import type { EntityTypes } from './entity-types.ts'

/**
 * The entities of the framework, by the names that events carry. `Host` is conceptual: the
 * installation itself.
 *
 * @example
 * ```ts
 * import { EntityNames, type SyncEvent } from '@x/events-core'
 *
 * const isFileEvent = (event: SyncEvent) => event.entityName === EntityNames.File
 * ```
 */
export const EntityNames = {
  Alias: 'Alias',
  File: 'File',
  Folder: 'Folder',
  Host: 'Host',
  Job: 'Job',
  Language: 'Language',
  Module: 'Module',
  ModuleDefinition: 'ModuleDefinition',
  Notification: 'Notification',
  Page: 'Page',
  PageModule: 'PageModule',
  Profile: 'Profile',
  Role: 'Role',
  Setting: 'Setting',
  Site: 'Site',
  SiteGroup: 'SiteGroup',
  SiteGroupMember: 'SiteGroupMember',
  Tenant: 'Tenant',
  Theme: 'Theme',
  UrlMapping: 'UrlMapping',
  User: 'User',
  UserRole: 'UserRole',
  Visitor: 'Visitor',
} as const

/** One of the names in {@link EntityNames}. */
export type BuiltInEntityName = (typeof EntityNames)[keyof typeof EntityNames]

/**
 * Settings are raised under the name of what they belong to, of which the framework writes the first letter upper
 * case and the others lower case: `SiteSetting`, `PagemoduleSetting`.
 */
export type SettingEntityName = SettingNameOf<BuiltInEntityName>

/** The name under which the settings of an entity are raised. */
type SettingNameOf<TName extends string> = `${Capitalize<Lowercase<TName>>}Setting`

/**
 * Every name an event may be raised under: the framework's, their settings, and the host's own,
 * which it declares by merging into {@link EntityTypes}. A name outside of these does not compile.
 */
export type EntityName = BuiltInEntityName | SettingEntityName | Extract<keyof EntityTypes, string>

/**
 * The name under which the framework raises the settings of an entity.
 *
 * @param entityName - the entity that the settings belong to; of another one than the framework's, the name as a
 *   setting has it: `master:Blog`.
 * @example
 * ```ts
 * import { settingNameOf } from '@x/events-core'
 *
 * settingNameOf('Site') // 'SiteSetting'
 * settingNameOf('PageModule') // 'PagemoduleSetting'
 * ```
 */
export function settingNameOf<const TName extends string>(entityName: TName): SettingNameOf<TName> {
  const name = entityName.charAt(0).toUpperCase() + entityName.slice(1).toLowerCase()
  return `${name}Setting` as SettingNameOf<TName>
}
