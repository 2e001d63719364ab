/** What a command is run with. */
export interface CliIo {
  readonly env: Readonly<Record<string, string | undefined>>
  write(text: string): void
  /** Writes what must not be lost: resolves once it is handed on, and rejects where nobody takes it. */
  print(text: string): Promise<void>
  writeError(text: string): void
}

/** A command that was called in a way that it cannot follow. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}
