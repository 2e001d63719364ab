/** Whether a value is still to come; a body may have a member of any name, but no function. */
export function isPromise<TValue>(value: TValue | PromiseLike<TValue>): value is PromiseLike<TValue> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function'
}
