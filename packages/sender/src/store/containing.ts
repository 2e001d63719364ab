/** A pattern of `like ... escape '!'` for texts that contain another one; for those in lower case. */
export function containing(part: string): string {
  return `%${part.toLowerCase().replaceAll(/[!%_]/g, (one) => `!${one}`)}%`
}
