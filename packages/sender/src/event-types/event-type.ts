import type { EventTypeName, JsonValue } from '@x/events-core'

/** A JSON Schema, draft 2020-12, that stands on its own: what it refers to lies in its `$defs`. */
export type JsonSchema = boolean | object

/** What a type's events carry. */
export interface EventTypeContent {
  /**
   * Describes `data.entity` of the webhook: what the raiser attached, or what `render` made. A type with a schema
   * always carries an entity. `format` is a note for readers, and is not checked.
   *
   * What a comparison takes is bounded, whatever is compared: an entity that would take more than some 20 ms does not
   * fit. At most 200,000 characters as JSON, and 64 schemas within each other. Patterns are ECMAScript's without
   * backreferences and lookbehinds, and of at most 1000 characters.
   */
  readonly schema?: JsonSchema | undefined
  /** A `data.entity` to show, which has to fit the schema. */
  readonly example?: JsonValue | undefined
}

/** What is said of a type of events. */
export interface DefineEventType extends EventTypeContent {
  /** Entity and action: `File.Download`. */
  readonly type: EventTypeName
  /** What has happened, for consumers who decide whether to subscribe: 1 to 1000 characters. */
  readonly description: string
  /**
   * Still sent, and not to be relied on by anybody new.
   * @defaultValue false
   */
  readonly deprecated?: boolean | undefined
  /** What events carry in some of the sender's `payloadVersions`, where that is something else. */
  readonly versions?: Readonly<Record<string, EventTypeContent>> | undefined
}

/** A type of events as the catalog has it. */
export interface EventType extends EventTypeContent {
  readonly type: string
  readonly description: string
  readonly deprecated: boolean
  /** Raised by the sender itself, about its own work. */
  readonly builtIn: boolean
  readonly versions?: Readonly<Record<string, EventTypeContent>>
}
