/**
 * All of the client in one file that needs no bundler: served as it is, a page imports it by its URL.
 */
export * from './index.ts'
export * from './tabs.ts'
