import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createPropertyDictionary, observable } from '../src/index.ts'

interface PageState {
  title: string
  theme?: string
}

it('tells name, value and previous value to those who listen to all or to the one', () => {
  const state = observable<PageState>({ title: 'Home' })
  const told: unknown[] = []
  state.subscribe((name, value, previous) => told.push([name, value, previous]))
  state.subscribe('title', (value, previous) => told.push(['title only', value, previous]))
  state.properties.title = 'Contact'
  state.properties.theme = 'dark'
  delete state.properties.theme
  expect(told).toEqual([
    ['title', 'Contact', 'Home'],
    ['title only', 'Contact', 'Home'],
    ['theme', 'dark', undefined],
    ['theme', undefined, 'dark'],
  ])
})

it('tells nothing when the value stays the same', () => {
  const properties = createPropertyDictionary<{ count: number; nothing: undefined }>({ count: Number.NaN })
  const told: string[] = []
  properties.subscribe((name) => told.push(name))
  properties.set('count', Number.NaN)
  properties.delete('nothing')
  expect(told).toEqual([])
  // Being there with the value undefined is not the same as not being there.
  properties.set('nothing', undefined)
  expect(told).toEqual(['nothing'])
})

it('tells changes in order, also those that a listener makes', () => {
  const state = observable({ a: 0, b: 0 })
  const told: string[] = []
  state.subscribe('a', (value) => {
    state.properties.b = value * 10
  })
  state.subscribe((name, value) => told.push(`${name}=${value}`))
  state.properties.a = 1
  expect(told).toEqual(['a=1', 'b=10'])
})

it('does not hang when listeners answer each other without end', () => {
  const state = observable({ a: 0 })
  state.subscribe('a', (value) => {
    state.properties.a = value + 1
  })
  expect(() => {
    state.properties.a = 1
  }).toThrow(expect.objectContaining({ code: 'endless_loop' }))
})

it('does not call a listener that was removed meanwhile, and calls the rest when one throws', () => {
  const logged: object[] = []
  const ignore = () => {}
  const logger = {
    debug: ignore,
    info: ignore,
    warn: ignore,
    error: (details: object) => logged.push(details),
  }
  const state = observable({ title: '' }, { logger })
  const told: string[] = []
  const failure = new Error('in a listener')
  state.subscribe(() => {
    remove()
    throw failure
  })
  const remove = state.subscribe(() => told.push('removed'))
  state.subscribe('title', (value) => told.push(value))
  state.properties.title = 'x'
  expect(told).toEqual(['x'])
  expect(logged).toEqual([{ err: failure }])
})

it('refuses what is no listener', () => {
  // @ts-expect-error no listener
  expect(() => observable({ title: '' }).subscribe('title')).toThrow(
    expect.objectContaining({ code: 'invalid_argument' }),
  )
})

describe('a snapshot', () => {
  it('is the same object until a property changes, as useSyncExternalStore needs it', () => {
    const state = observable({ title: 'Home' })
    // What React does: both functions taken off the object, the callback called without arguments.
    const { getSnapshot, subscribe } = state
    const before = getSnapshot()
    expect(getSnapshot()).toBe(before)
    let rendered = before
    const unsubscribe = subscribe(() => {
      rendered = getSnapshot()
    })
    state.properties.title = 'Home'
    expect(getSnapshot()).toBe(before)
    state.properties.title = 'Contact'
    expect(rendered).toEqual({ title: 'Contact' })
    expect(rendered).toBe(getSnapshot())
    expect(before).toEqual({ title: 'Home' })
    expect(Object.isFrozen(rendered)).toBe(true)
    unsubscribe()
  })

  it('has what was set last, whatever was set and deleted', () => {
    const names = fc.oneof(fc.constantFrom('a', 'b', '__proto__', 'constructor', 'toString'), fc.string())
    fc.assert(
      fc.property(fc.array(fc.tuple(names, fc.option(fc.integer()))), (steps) => {
        const properties = createPropertyDictionary()
        const model = new Map<string, unknown>()
        for (const [name, value] of steps) {
          if (value === null) {
            expect(properties.delete(name)).toBe(model.delete(name))
          } else {
            properties.set(name, value)
            model.set(name, value)
          }
          expect(properties.get(name)).toBe(model.get(name))
          expect(properties.has(name)).toBe(model.has(name))
        }
        expect(new Map(Object.entries(properties.getSnapshot()))).toEqual(model)
      }),
    )
  })
})

describe('names of the prototype', () => {
  it('are names like any other and reach no prototype', () => {
    const hostile = JSON.parse('{"__proto__":{"polluted":true},"constructor":1}') as Record<string, unknown>
    const state = observable(hostile)
    Reflect.set(state.properties, '__proto__', { polluted: true })
    state.properties['prototype'] = { polluted: true }
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined()
    expect(state.properties['polluted']).toBeUndefined()
    expect(Object.getPrototypeOf(state.properties)).toBeNull()
    expect(Object.getPrototypeOf(state.getSnapshot())).toBeNull()
    expect(Object.keys(state.properties)).toEqual(['__proto__', 'constructor', 'prototype'])
  })

  it('are absent until they are set', () => {
    const state = observable<Record<string, unknown>>({})
    expect(state.properties['toString']).toBeUndefined()
    expect('hasOwnProperty' in state.properties).toBe(false)
  })
})

describe('the properties of an observable', () => {
  it('are read, listed and spread like those of any object, and apart from the first one', () => {
    const initial = { title: 'Home', count: 1 }
    const { properties } = observable(initial)
    properties.count += 1
    expect({ ...properties }).toEqual({ title: 'Home', count: 2 })
    expect(JSON.stringify(properties)).toBe('{"title":"Home","count":2}')
    expect('title' in properties).toBe(true)
    expect(initial.count).toBe(1)
  })

  it('cannot be changed behind the listeners', () => {
    const { properties } = observable<{ title: string }>({ title: 'Home' })
    expect(() => Object.defineProperty(properties, 'title', { value: 'x' })).toThrow(TypeError)
    expect(() => Object.setPrototypeOf(properties, {})).toThrow(TypeError)
    expect(() => Object.freeze(properties)).toThrow(TypeError)
    expect(Reflect.set(properties, Symbol('s'), 1)).toBe(false)
  })
})
