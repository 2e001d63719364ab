export { createSseFeed, type SseFeed, type SseFeedStats } from './sse/create-sse-feed.ts'
export type { SseAudience, SseFeedOptions, SseLimits } from './sse/options.ts'
