import { get } from 'node:http'

/**
 * Downloads a file and acts the moment the head of the answer is there, in the same turn: the event is
 * committed by then, and nobody has had much time to do anything about it.
 *
 * @returns the id of the event.
 */
export function actOnDownload(url: string, token: string, act: () => void): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = get(url, { headers: { authorization: `Bearer ${token}` } }, (answer) => {
      act()
      // The connection breaks along with the host; the rest of the file is not what this is about.
      answer.on('error', () => {})
      answer.resume()
      const id = answer.headers['x-event-id']
      if (answer.statusCode === 200 && typeof id === 'string') resolve(id)
      else reject(new Error(`The download answered ${answer.statusCode}.`))
    })
    request.on('error', reject)
  })
}
