// No full stop: it separates id, timestamp and body in what is signed, so that an id with one would
// let the boundaries be moved without touching the signature. No white space, no control character.
const MESSAGE_ID = /^[!-\-/-~]{1,256}$/

/** Whether a string can be a `webhook-id`. */
export function isMessageId(value: string): boolean {
  return typeof value === 'string' && MESSAGE_ID.test(value)
}
