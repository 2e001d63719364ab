import { EventsError } from '@x/events-core'
import { expect, it } from 'vitest'
import { assertNodeVersion } from '../../src/node-version.ts'

it.each(['18.20.8', '20.20.2', '21.7.3', '22.18.0'])('refuses Node.js %s in one sentence', (version) => {
  const assertion = () => assertNodeVersion(version)
  expect(assertion).toThrow(EventsError)
  expect(assertion).toThrow(`need Node.js 22.19 or newer; this is ${version}. Install`)
})

it.each(['22.19.0', '22.23.3', '24.0.0', '26.10.0'])('takes Node.js %s', (version) => {
  expect(() => assertNodeVersion(version)).not.toThrow()
})
