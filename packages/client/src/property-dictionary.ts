import { type Logger, silentLogger } from '@x/events-core'
import { assertOptions, hasMethods, type Rules } from './assert.ts'
import { SyncClientError } from './errors.ts'
import { createListeners } from './listeners.ts'

/** The names of an object's properties. */
export type PropertyName<TProperties> = Extract<keyof TProperties, string>

/**
 * Is called with every change. The value is that of any property: TypeScript cannot tie it to the name
 * and let listeners leave out what they do not need. To have its type, subscribe by name.
 */
export type PropertyChangedListener<TProperties> = (
  name: PropertyName<TProperties>,
  value: TProperties[PropertyName<TProperties>],
  previous: TProperties[PropertyName<TProperties>] | undefined,
) => unknown

/** Adds a listener for every property, or for one by name; returns a function that removes it. */
export interface SubscribeToProperties<TProperties> {
  (listener: PropertyChangedListener<TProperties>): () => void
  <const TName extends PropertyName<TProperties>>(
    name: TName,
    listener: (value: TProperties[TName], previous: TProperties[TName] | undefined) => unknown,
  ): () => void
}

/**
 * Named values that components share, with listeners. Setting a value to the same one (`Object.is`) changes nothing and
 * calls no listener, so that components which set values in turn come to an end. For a change inside of an object, set a
 * new object.
 */
export interface PropertyDictionary<TProperties extends object = Record<string, unknown>> {
  get<const TName extends PropertyName<TProperties>>(name: TName): TProperties[TName] | undefined
  has(name: string): boolean
  /**
   * @throws {@link SyncClientError} `endless_loop`, when listeners set each other's values without end.
   */
  set<const TName extends PropertyName<TProperties>>(name: TName, value: TProperties[TName]): void
  /** Calls the listeners with undefined as the new value. @returns whether there was such a property. */
  delete(name: PropertyName<TProperties>): boolean
  /** Listeners are called in the order of the changes, also when one of them makes the next change. */
  readonly subscribe: SubscribeToProperties<TProperties>
  /** All properties, frozen; the same object until a property changes. */
  readonly getSnapshot: () => Readonly<Partial<TProperties>>
}

/** The options of {@link createPropertyDictionary} and {@link observable}. */
export interface PropertyDictionaryOptions {
  /** Logs the errors of listeners. @defaultValue silent */
  readonly logger?: Logger | undefined
}

const RULES: Rules<PropertyDictionaryOptions> = { logger: hasMethods('error') }

interface Change {
  readonly name: string
  readonly value: unknown
  readonly previous: unknown
}

/**
 * Creates a dictionary whose names need not be known beforehand. Where they are, use {@link observable}.
 *
 * @throws {@link SyncClientError} `invalid_option`, naming the option.
 * @example
 * ```ts
 * import { createPropertyDictionary } from '@x/client'
 *
 * const properties = createPropertyDictionary()
 * const unsubscribe = properties.subscribe((name, value, previous) => {
 *   document.title = `${name}: ${previous} is now ${value}`
 * })
 * properties.set('title', 'Home')
 * unsubscribe()
 * ```
 */
export function createPropertyDictionary<TProperties extends object = Record<string, unknown>>(
  initial?: Partial<TProperties>,
  options: PropertyDictionaryOptions = {},
): PropertyDictionary<TProperties> {
  assertOptions('createPropertyDictionary, observable', options, RULES)
  const { logger = silentLogger } = options
  const values = withoutPrototype(initial)
  const listeners = createListeners<Change>((error) =>
    logger.error({ err: error }, 'a listener of a property failed'),
  )
  let snapshot: Readonly<Partial<TProperties>> | undefined

  function notify(change: Change): void {
    snapshot = undefined
    listeners.notify(change)
  }

  function subscribe(...given: unknown[]): () => void {
    const [name, listener] = given.length === 1 ? [undefined, given[0]] : given
    if (typeof listener !== 'function') {
      throw new SyncClientError(
        'invalid_argument',
        `subscribe: the listener must be a function; got ${listener}`,
      )
    }
    if (given.length === 1)
      return listeners.add((change) => listener(change.name, change.value, change.previous))
    return listeners.add(
      ({ value, previous }) => listener(value, previous),
      (change) => change.name === name,
    )
  }

  return {
    get: (name) => values[name],
    has: (name) => Object.hasOwn(values, name),
    set(name, value) {
      const previous = values[name]
      if (Object.hasOwn(values, name) && Object.is(previous, value)) return
      values[name] = value
      notify({ name, value, previous })
    },
    delete(name) {
      if (!Object.hasOwn(values, name)) return false
      const previous = values[name]
      delete values[name]
      notify({ name, value: undefined, previous })
      return true
    },
    subscribe,
    getSnapshot() {
      snapshot ??= Object.freeze(withoutPrototype(values))
      return snapshot
    },
  }
}

// On an object without a prototype, `__proto__` and `constructor` are names like any other.
function withoutPrototype<TProperties extends object>(
  properties?: Partial<TProperties>,
): Partial<TProperties> {
  return Object.assign(Object.create(null), properties)
}
