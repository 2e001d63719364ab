// @vitest-environment jsdom
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { act, createElement, useSyncExternalStore } from 'react'
import { createRoot } from 'react-dom/client'
import type { Component } from 'svelte'
import { compile } from 'svelte/compiler'
import { readable } from 'svelte/store'
import { beforeAll, expect, it, onTestFinished } from 'vitest'
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

it('is a store in Svelte, which a component shows and follows', async () => {
  const menu = observable({ title: 'Home' })
  const properties = readable(menu.getSnapshot(), (set) => {
    set(menu.getSnapshot())
    return menu.subscribe(() => set(menu.getSnapshot()))
  })
  const shown: string[] = []
  const unsubscribe = properties.subscribe(({ title }) => shown.push(title))
  menu.properties.title = 'Contact'
  menu.properties.title = 'Contact'
  unsubscribe()
  menu.properties.title = 'News'
  expect(shown).toEqual(['Home', 'Contact'])

  const Title = await component('<script>let { properties } = $props()</script><h1>{$properties.title}</h1>')
  const container = document.createElement('div')
  const { mount, flushSync, unmount } = await svelte()
  const mounted = mount(Title, { target: container, props: { properties } })
  expect(container.textContent).toBe('News')
  menu.properties.title = 'About'
  flushSync()
  expect(container.textContent).toBe('About')
  await unmount(mounted)
  menu.properties.title = 'Gone'
  flushSync()
  expect(container.textContent).not.toContain('Gone')
})

// What a bundler for browsers takes; the test's own resolution would take the one for servers.
async function svelte(): Promise<typeof import('svelte')> {
  return import(/* @vite-ignore */ join(import.meta.dirname, '../node_modules/svelte/src/index-client.js'))
}

/** Compiles a component, as a bundler does. */
async function component(source: string): Promise<Component> {
  const { js } = compile(source, { generate: 'client', filename: 'title.svelte' })
  const folder = await mkdtemp(join(import.meta.dirname, '../node_modules/.svelte-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  await writeFile(`${folder}/title.js`, js.code)
  return (await import(/* @vite-ignore */ `${folder}/title.js`)).default
}

it('is what a plain page follows by the name of a property', () => {
  const page = observable({ isOffline: false, title: 'Home' })
  const { body } = document
  page.subscribe('isOffline', (isOffline) => body.classList.toggle('offline', isOffline))
  page.properties.title = 'Contact'
  expect(body.className).toBe('')
  page.properties.isOffline = true
  expect(body.className).toBe('offline')
})
