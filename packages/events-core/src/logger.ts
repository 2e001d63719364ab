/** Where background work reports. A pino logger fits as it is; so does `console` in a pinch. */
export interface Logger {
  debug(details: object, message: string): void
  info(details: object, message: string): void
  warn(details: object, message: string): void
  error(details: object, message: string): void
}

function ignore(): void {}

/** Says nothing: the default of everything that takes a logger. */
export const silentLogger: Logger = Object.freeze({
  debug: ignore,
  info: ignore,
  warn: ignore,
  error: ignore,
})
