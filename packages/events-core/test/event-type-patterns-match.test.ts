import { describe, expect, it } from 'vitest'
import { isEventType, isEventTypePattern, matchesEventType } from '../src/index.ts'

describe('a pattern of event types', () => {
  it.each([
    ['*', 'File.Download', true],
    ['*.*', 'File.Download', true],
    ['File.Download', 'File.Download', true],
    ['File.*', 'File.Download', true],
    ['File.*', 'FileSetting.Update', false],
    ['*.Delete', 'File.Delete', true],
    ['*.Delete', 'File.Undelete', false],
    ['File.Download', 'File.Downloaded', false],
    ['file.download', 'File.Download', false],
  ])('%s against %s: %s', (pattern, type, expected) => {
    expect(matchesEventType(pattern, type)).toBe(expected)
  })

  it.each(['*', '*.*', 'File.*', '*.Delete', 'File.Download', 'SiteSetting.Update'])(
    '%s is one',
    (pattern) => {
      expect(isEventTypePattern(pattern)).toBe(true)
    },
  )

  it.each(['', 'File', 'File.', '.Delete', 'Fi*.Delete', 'a.b.c', 'File.Down load', '**', '__proto__.a\n'])(
    '%j is none',
    (pattern) => {
      expect(isEventTypePattern(pattern)).toBe(false)
    },
  )

  it('is not an event type itself', () => {
    expect(isEventType('File.*')).toBe(false)
    expect(isEventType('File.Download')).toBe(true)
  })
})
