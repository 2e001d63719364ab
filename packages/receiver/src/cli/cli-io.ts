/** What a command is run with. */
export interface CliIo {
  readonly env: Readonly<Record<string, string | undefined>>
  write(text: string): void
  writeError(text: string): void
}

/** A command that was called in a way that it cannot follow. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}
