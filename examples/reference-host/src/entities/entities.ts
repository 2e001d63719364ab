import type { Entity } from '../entity/define-entity.ts'
import { alias } from './alias.ts'
import { file } from './file.ts'
import { folder } from './folder.ts'
import { language } from './language.ts'
import { module } from './module.ts'
import { moduleDefinition } from './module-definition.ts'
import { notification } from './notification.ts'
import { page } from './page.ts'
import { pageModule } from './page-module.ts'
import { profile } from './profile.ts'
import { role } from './role.ts'
import { setting } from './setting.ts'
import { site } from './site.ts'
import { siteGroup } from './site-group.ts'
import { siteGroupMember } from './site-group-member.ts'
import { tenant } from './tenant.ts'
import { theme } from './theme.ts'
import { urlMapping } from './url-mapping.ts'
import { user } from './user.ts'
import { userRole } from './user-role.ts'

// What they have in common, no type can say.
const all: readonly unknown[] = [
  tenant,
  site,
  alias,
  folder,
  file,
  page,
  user,
  role,
  userRole,
  setting,
  module,
  pageModule,
  notification,
  language,
  urlMapping,
  profile,
  theme,
  moduleDefinition,
  siteGroup,
  siteGroupMember,
]

/** All entities of the host. A new one is a file beside this one, and a line above. */
export const entities = all as readonly Entity[]
