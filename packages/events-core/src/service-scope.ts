/**
 * Services that live as long as one unit of work: one request, one call of a subscriber.
 * Subscribers live as long as the host, so that they must not hold such services; they create a
 * scope, resolve what they need, and dispose of it.
 */
export interface IServiceScope extends AsyncDisposable {
  /**
   * The service registered under a name, created at its first use in this scope.
   *
   * @throws when nothing is registered under the name.
   */
  resolve<TService>(name: string): TService
}

/**
 * Opens scopes. Any container fits behind it; with awilix:
 *
 * @example
 * ```ts
 * import type { IServiceScopeFactory } from '@x/events-core'
 *
 * interface Container {
 *   createScope(): Container
 *   resolve<TService>(name: string): TService
 *   dispose(): Promise<void>
 * }
 *
 * const scopesOf = (container: Container): IServiceScopeFactory => ({
 *   createScope() {
 *     const scope = container.createScope()
 *     return { resolve: (name) => scope.resolve(name), [Symbol.asyncDispose]: () => scope.dispose() }
 *   },
 * })
 * ```
 */
export interface IServiceScopeFactory {
  createScope(): IServiceScope
}
