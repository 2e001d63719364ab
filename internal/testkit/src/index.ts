export { type ManualClock, manualClock } from './manual-clock.ts'
export { type TemporaryFolder, temporaryFolder } from './temporary-folder.ts'
export { type Answer, type ReceivedRequest, type TestConsumer, testConsumer } from './test-consumer.ts'
export { waitFor } from './wait-for.ts'
