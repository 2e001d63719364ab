import type { Cursor } from './cursor.ts'
import type { FeedTransport } from './feed-transport.ts'
import type { SyncClientSettings } from './options.ts'
import type { SyncTransport, SyncTransportSink } from './transport.ts'

/** What a client hands to those who share its connection. */
export interface TabConnection {
  readonly settings: SyncClientSettings
  readonly cursor: Cursor
  readonly sink: SyncTransportSink
  /** Makes a connection of the client's own. */
  connect(sink: SyncTransportSink): FeedTransport
}

/** Shares one connection between tabs. Made by `shareTabs` of `@x/client/tabs`. */
export interface SyncTabs {
  /** @internal */
  share(connection: TabConnection): SyncTransport
}
