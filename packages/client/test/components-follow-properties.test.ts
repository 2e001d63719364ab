// @vitest-environment jsdom
import { act, createElement, useSyncExternalStore } from 'react'
import { createRoot } from 'react-dom/client'
import { beforeAll, expect, it } from 'vitest'
import { createApp, h, nextTick, onScopeDispose, shallowRef } from 'vue'
import { createPropertyDictionary, observable } from '../src/index.ts'

beforeAll(() => {
  Reflect.set(globalThis, 'IS_REACT_ACT_ENVIRONMENT', true)
})

const state = observable({ title: 'Home', count: 0 })
let renders = 0

function Title() {
  renders += 1
  const { title } = useSyncExternalStore(state.subscribe, state.getSnapshot, state.getSnapshot)
  return createElement('h1', null, title)
}

it('renders in React what has changed, and nothing when nothing has', async () => {
  const container = document.createElement('div')
  const root = createRoot(container)
  await act(async () => root.render(createElement(Title)))
  expect(container.textContent).toBe('Home')
  await act(async () => {
    state.properties.title = 'Contact'
  })
  expect(container.textContent).toBe('Contact')
  const before = renders
  await act(async () => {
    state.properties.title = 'Contact'
  })
  expect(renders).toBe(before)
  await act(async () => root.unmount())
  state.properties.title = 'Gone'
  expect(renders).toBe(before)
})

it('renders in Vue what has changed, until the component is gone', async () => {
  const properties = createPropertyDictionary<{ title: string }>({ title: 'Home' })
  let drawn = 0
  const app = createApp({
    setup() {
      const snapshot = shallowRef(properties.getSnapshot())
      const unsubscribe = properties.subscribe(() => {
        snapshot.value = properties.getSnapshot()
      })
      onScopeDispose(unsubscribe)
      return () => {
        drawn += 1
        return h('h1', snapshot.value.title)
      }
    },
  })
  const container = document.createElement('div')
  app.mount(container)
  expect(container.textContent).toBe('Home')
  properties.set('title', 'Contact')
  await nextTick()
  expect(container.textContent).toBe('Contact')
  app.unmount()
  properties.set('title', 'Gone')
  await nextTick()
  expect(drawn).toBe(2)
})

it('is what a plain page follows by the name of a property', () => {
  const page = observable({ isOffline: false, title: 'Home' })
  const { body } = document
  page.subscribe('isOffline', (isOffline) => body.classList.toggle('offline', isOffline))
  page.properties.title = 'Contact'
  expect(body.className).toBe('')
  page.properties.isOffline = true
  expect(body.className).toBe('offline')
})
