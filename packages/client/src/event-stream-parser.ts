/** One message of an event stream. */
export interface StreamMessage {
  /** `message`, if the stream does not name another. */
  readonly event: string
  readonly data: string
  /** The id that it came with, if it had one. */
  readonly id: string | undefined
}

/**
 * Parses the event stream format (HTML, 9.2.6) piece by piece; an incomplete message waits for its rest. A message with
 * an id and no data counts, too: its id is the position to resume at.
 *
 * @returns takes the next piece of text.
 */
export function createEventStreamParser(
  onMessage: (message: StreamMessage) => void,
  onRetry: (retryMs: number) => void,
): (text: string) => void {
  let line = ''
  let endedWithCr = false
  let event = ''
  let data: string[] = []
  let id: string | undefined

  function endMessage(): void {
    const message = { event: event || 'message', data: data.join('\n'), id }
    event = ''
    data = []
    id = undefined
    if (message.data || message.id !== undefined) onMessage(message)
  }

  function endLine(text: string): void {
    const [, name, value = ''] = /^([^:]*):? ?(.*)$/s.exec(text) ?? []
    if (text === '') endMessage()
    else if (name === 'data') data.push(value)
    else if (name === 'event') event = value
    else if (name === 'id' && !value.includes('\0')) id = value
    else if (name === 'retry' && /^\d+$/.test(value)) onRetry(Number(value))
  }

  return (text) => {
    // Half a character gives no text yet.
    if (!text) return
    // A CR ends its line at once, so that its message does not wait; an LF behind it ends no other.
    const rest = endedWithCr ? text.replace(/^\n/, '') : text
    endedWithCr = text.endsWith('\r')
    const [first = '', ...lines] = rest.split(/\r\n?|\n/)
    // Only added to, never searched again: a large message costs what it weighs.
    line += first
    for (const next of lines) {
      endLine(line)
      line = next
    }
  }
}
