export { type Cut, type CuttingProxy, cuttingProxy } from './cutting-proxy.ts'
export { findText } from './find-text.ts'
export { hostileErrors } from './hostile-errors.ts'
export { type ManualClock, manualClock } from './manual-clock.ts'
export {
  type ProxiedConnection,
  type Silence,
  type SilencingProxy,
  silencingProxy,
} from './silencing-proxy.ts'
export { sqliteTemplate } from './sqlite-template.ts'
export { startProcess, type TestProcess } from './start-process.ts'
export { type TemporaryFolder, temporaryFolder } from './temporary-folder.ts'
export { type Answer, type ReceivedRequest, type TestConsumer, testConsumer } from './test-consumer.ts'
export { waitFor } from './wait-for.ts'
