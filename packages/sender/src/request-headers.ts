/** The headers that every request carries, name and value in turn, as undici takes them. */
export function requestHeaders(
  userAgent: string,
  eventId: string,
  timestamp: number,
  signature: string,
): string[] {
  return [
    'content-type',
    'application/json',
    'user-agent',
    userAgent,
    'webhook-id',
    eventId,
    'webhook-timestamp',
    String(timestamp),
    'webhook-signature',
    signature,
  ]
}
