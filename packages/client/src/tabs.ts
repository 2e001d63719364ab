export { type ShareTabsOptions, shareTabs } from './tabs/share-tabs.ts'
