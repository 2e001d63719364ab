import { aliasKind } from './alias.ts'
import { languageKind } from './language.ts'
import { moduleKind } from './module.ts'
import { notificationKind } from './notification.ts'
import { pageModuleKind } from './page-module.ts'
import { roleKind } from './role.ts'
import { settingKind } from './setting.ts'
import { urlMappingKind } from './url-mapping.ts'
import { userRoleKind } from './user-role.ts'

/** All entities that need no repository of their own. */
export const entityKinds = [
  aliasKind,
  roleKind,
  userRoleKind,
  settingKind,
  moduleKind,
  pageModuleKind,
  notificationKind,
  languageKind,
  urlMappingKind,
] as const
