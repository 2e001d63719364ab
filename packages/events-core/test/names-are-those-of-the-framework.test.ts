import { expect, it } from 'vitest'
import {
  ALL_SITES,
  ALL_TENANTS,
  EntityNames,
  isEventType,
  SyncEventActions,
  settingNameOf,
} from '../src/index.ts'

it('has every entity name, each spelled like its key', () => {
  expect(Object.keys(EntityNames).join(' ')).toBe(
    'Alias File Folder Host Job Language Module ModuleDefinition Notification Page PageModule Profile Role ' +
      'Setting Site SiteGroup SiteGroupMember Tenant Theme UrlMapping User UserRole Visitor',
  )
  for (const [key, name] of Object.entries(EntityNames)) expect(name).toBe(key)
})

it('has every action, each spelled like its key', () => {
  expect(Object.keys(SyncEventActions).join(' ')).toBe('Refresh Reload Create Update Delete')
  for (const [key, name] of Object.entries(SyncEventActions)) expect(name).toBe(key)
})

it('means all tenants and no site in particular by -1', () => {
  expect([ALL_TENANTS, ALL_SITES]).toEqual([-1, -1])
})

it('names settings as the framework does, of its own entities and of others', () => {
  expect(settingNameOf('Site')).toBe('SiteSetting')
  expect(settingNameOf('PageModule')).toBe('PagemoduleSetting')
  const ofOther: string = settingNameOf('master:Blog')
  expect(ofOther).toBe('Master:blogSetting')
  expect(isEventType(`${ofOther}.Update`)).toBe(true)
})
