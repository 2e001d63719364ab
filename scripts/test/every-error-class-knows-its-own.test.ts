import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, it, vi } from 'vitest'
import { root } from '../setup/paths.mjs'
import { filesBelow } from '../setup/stamp.mjs'

interface ErrorClass {
  new (code: string, message: string): Error
  readonly errorName: string
  is(value: unknown): boolean
}

// Of whichever copy: it knows those of all.
const EventsError: ErrorClass = (await import(`${root}/packages/events-core/src/errors.ts`)).EventsError

// Whatever file declares one, exported by its package or not.
const files = filesBelow(join(root, 'packages')).filter(
  (file) =>
    /\/src\/[^.]*\.ts$/.test(file) && /class \w+ extends EventsError\b/.test(readFileSync(file, 'utf8')),
)

async function errorClasses(): Promise<ErrorClass[]> {
  const modules = await Promise.all(files.map((file) => import(pathToFileURL(file).href)))
  return modules
    .flatMap((module) => Object.values(module as Record<string, unknown>))
    .filter((value) => typeof value === 'function' && 'errorName' in value) as ErrorClass[]
}

it('takes an error for one of its class and of those it extends, and of no other class, also from another copy', async () => {
  const classes = await errorClasses()
  vi.resetModules()
  const copies = await errorClasses()
  expect(classes.map(({ errorName }) => errorName).sort()).toEqual([
    'EventEngineError',
    'MessagesGoneError',
    'PortalLinkError',
    'ReceiverError',
    'SyncClientError',
    'TooManyGuessesError',
    'WebhookKeyError',
    'WebhookSenderError',
    'WebhookVerificationError',
  ])
  for (const one of [...classes, ...copies]) {
    const error = new one('some_code', 'text')
    expect(EventsError.is(error), one.errorName).toBe(true)
    expect(error.name).toBe(one.errorName)
    for (const other of [...classes, ...copies]) {
      expect(other.is(error), `${other.errorName}.is(${one.errorName})`).toBe(
        namesOf(one).includes(other.errorName),
      )
    }
  }
})

/** The names of a class and of those that it extends, but for the base of all. */
function namesOf(one: ErrorClass): string[] {
  const names: string[] = []
  for (let type = one; type.errorName !== EventsError.errorName; type = Object.getPrototypeOf(type))
    names.push(type.errorName)
  return names
}
