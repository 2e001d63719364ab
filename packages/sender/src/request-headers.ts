const USUAL: readonly string[] = ['content-type', 'application/json']

/**
 * The headers that every request carries, name and value in turn, as undici takes them.
 *
 * @param ofMessage - what the message brings along, its content type first; null for the usual one.
 */
export function requestHeaders(
  userAgent: string,
  eventId: string,
  timestamp: number,
  signature: string,
  ofMessage: readonly string[] | null,
): string[] {
  return [
    ...(ofMessage ?? USUAL),
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
