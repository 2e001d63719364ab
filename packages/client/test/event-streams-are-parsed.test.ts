import fc from 'fast-check'
import { expect, it } from 'vitest'
import { createEventStreamParser, type StreamMessage } from '../src/event-stream-parser.ts'

function parsed(pieces: readonly string[]): unknown[] {
  const told: unknown[] = []
  const parse = createEventStreamParser(
    (message) => told.push(message),
    (retryMs) => told.push(retryMs),
  )
  for (const piece of pieces) parse(piece)
  return told
}

/** What a whole text says, read in the plainest way. */
function expected(text: string): unknown[] {
  const told: unknown[] = []
  let message: { event?: string; data: string[]; id?: string } = { data: [] }
  for (const line of text.replaceAll('\r\n', '\n').replaceAll('\r', '\n').split('\n').slice(0, -1)) {
    const colon = line.indexOf(':')
    const name = colon < 0 ? line : line.slice(0, colon)
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '')
    if (line === '') {
      const { event, data, id } = message
      if (data.join('\n') || id !== undefined) {
        told.push({ event: event || 'message', data: data.join('\n'), id } satisfies StreamMessage)
      }
      message = { data: [] }
    } else if (name === 'data') message.data.push(value)
    else if (name === 'event') message.event = value
    else if (name === 'id') message.id = value
    else if (name === 'retry' && value) told.push(Number(value))
  }
  return told
}

const line = fc.constantFrom(
  'data: one',
  'data:  two',
  'data',
  'id: 1',
  'id',
  'event: synced',
  'retry: 7',
  ': x',
  '',
  '',
)
const text = fc
  .array(fc.tuple(line, fc.constantFrom('\n', '\r', '\r\n')), { maxLength: 12 })
  .map((lines) => lines.flat().join(''))

it('whatever their lines end with, and in whatever pieces they come', () => {
  fc.assert(
    fc.property(text, fc.array(fc.nat({ max: 120 }), { maxLength: 12 }), (whole, cuts) => {
      const places = [0, ...cuts.sort((a, b) => a - b), whole.length]
      const pieces = places.slice(1).map((end, index) => whole.slice(places[index], end))
      expect(parsed(pieces)).toEqual(expected(whole))
      expect(parsed([...whole].flatMap((character) => [character, '']))).toEqual(expected(whole))
    }),
  )
})

it.each(['\n', '\r', '\r\n'])('and a message is told as soon as its last line has ended with %j', (end) => {
  expect(parsed([`id: 1${end}data: one${end}${end}`])).toEqual([{ event: 'message', data: 'one', id: '1' }])
})
