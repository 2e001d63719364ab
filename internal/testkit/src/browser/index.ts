export { type Violation, violationsOf } from './accessibility.ts'
export { browserTests } from './browser-tests.ts'
export { type BrowserWindow, type OpenWindow, openWindow } from './browser-window.ts'
export { launchBrowser, type TestBrowser } from './launch-browser.ts'
