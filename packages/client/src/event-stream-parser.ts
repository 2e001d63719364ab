/** One message of an event stream. */
export interface StreamMessage {
  /** `message`, if the stream does not name another. */
  readonly event: string
  readonly data: string
  /** The id that it came with, if it had one. */
  readonly id: string | undefined
}

/**
 * Reads the event stream format (HTML, 9.2.6) in whatever pieces it arrives; half a message tells
 * nothing. Lines end with LF or CRLF; CR alone, which nobody sends, is not known. What has an id and no data is a message here, too: it tells where to resume.
 *
 * @returns takes the next piece of text.
 */
export function createEventStreamParser(
  onMessage: (message: StreamMessage) => void,
  onRetry: (retryMs: number) => void,
): (text: string) => void {
  let line = ''
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
    const [first = '', ...lines] = text.split('\n')
    // Only added to, never searched again: a large message costs what it weighs.
    line += first
    for (const next of lines) {
      endLine(line.replace(/\r$/, ''))
      line = next
    }
  }
}
