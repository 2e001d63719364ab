/** What an event stream has said so far. */
export interface OpenStream extends AsyncDisposable {
  readonly status: number
  readonly headers: Headers
  /** Reads on until what was said fits; rejects when the stream ends before. */
  until(fits: (text: string) => boolean): Promise<string>
  /** Resolves when the other side has ended it. */
  ended(): Promise<void>
}

/** Opens a stream of server-sent events. */
export async function openStream(url: string, headers: Record<string, string> = {}): Promise<OpenStream> {
  const leaving = new AbortController()
  const response = await fetch(url, { headers, signal: leaving.signal })
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader()
  let text = ''
  async function read(): Promise<boolean> {
    const { done = true, value = '' } = (await reader?.read()) ?? {}
    text += value
    return !done
  }
  return {
    status: response.status,
    headers: response.headers,
    async until(fits) {
      while (!fits(text)) if (!(await read())) throw new Error(`The stream has ended: ${text}`)
      return text
    },
    async ended() {
      while (await read()) {}
    },
    async [Symbol.asyncDispose]() {
      leaving.abort()
      await reader?.cancel().catch(() => {})
    },
  }
}
