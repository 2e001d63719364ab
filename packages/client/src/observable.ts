import {
  createPropertyDictionary,
  type PropertyDictionary,
  type PropertyDictionaryOptions,
  type PropertyName,
  type SubscribeToProperties,
} from './property-dictionary.ts'

/** State with listeners, whose properties are read and set like those of any object. */
export interface Observable<TProperties extends object> {
  /** Setting one of them calls the listeners. */
  readonly properties: TProperties
  readonly subscribe: SubscribeToProperties<TProperties>
  /** All properties, frozen; the same object until a property changes. */
  readonly getSnapshot: () => Readonly<TProperties>
}

/**
 * Creates state from an object's own properties, which are copied; the object itself stays as it is.
 * `subscribe` and `getSnapshot` are what React's `useSyncExternalStore` takes.
 *
 * @example
 * ```ts
 * import { observable } from '@x/client'
 *
 * const state = observable({ title: 'Home', isMenuOpen: false })
 * state.subscribe('title', (value) => {
 *   document.title = value
 * })
 * state.properties.title = 'Contact'
 * ```
 */
export function observable<TProperties extends object>(
  initial: TProperties,
  options?: PropertyDictionaryOptions,
): Observable<TProperties> {
  const dictionary = createPropertyDictionary<TProperties>(initial, options)
  return {
    properties: new Proxy<TProperties>(Object.create(null), handlerOf(dictionary)),
    subscribe: dictionary.subscribe,
    // Types promise that what the object was created with is only ever replaced.
    getSnapshot: dictionary.getSnapshot as () => Readonly<TProperties>,
  }
}

function handlerOf<TProperties extends object>(
  dictionary: PropertyDictionary<TProperties>,
): ProxyHandler<TProperties> {
  const isName = (name: string | symbol): name is PropertyName<TProperties> => typeof name === 'string'
  return {
    get: (_, name) => (isName(name) ? dictionary.get(name) : undefined),
    has: (_, name) => isName(name) && dictionary.has(name),
    set(_, name, value) {
      if (!isName(name)) return false
      dictionary.set(name, value)
      return true
    },
    deleteProperty(_, name) {
      if (isName(name)) dictionary.delete(name)
      return true
    },
    ownKeys: () => Reflect.ownKeys(dictionary.getSnapshot()),
    getOwnPropertyDescriptor(_, name) {
      if (!isName(name) || !dictionary.has(name)) return undefined
      return { value: dictionary.get(name), writable: true, enumerable: true, configurable: true }
    },
    // Each of these would bypass the listeners.
    defineProperty: () => false,
    setPrototypeOf: () => false,
    preventExtensions: () => false,
  }
}
