/** Tells a message from the others about the same event, among those that are stored together. */
export function messageName(eventId: string, variant: string | null): string {
  return variant === null ? eventId : `${eventId} ${variant}`
}
