export type { SseAudience } from './sse/audience.ts'
export { createSseFeed, type SseFeed, type SseFeedStats } from './sse/create-sse-feed.ts'
export type { SseFeedOptions, SseLimits } from './sse/options.ts'
