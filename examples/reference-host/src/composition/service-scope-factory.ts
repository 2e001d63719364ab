import type { IServiceScopeFactory } from '@x/events-core'
import type { AwilixContainer } from 'awilix'

/** The scopes of an awilix container, as subscribers and the engine know them. */
export function createServiceScopeFactory<TServices extends object>(
  container: AwilixContainer<TServices>,
): IServiceScopeFactory {
  return {
    createScope() {
      const scope = container.createScope()
      return {
        resolve: (name) => scope.resolve(name),
        [Symbol.asyncDispose]: () => scope.dispose(),
      }
    },
  }
}
