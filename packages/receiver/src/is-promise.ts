/** Whether a value is still to come. */
export function isPromise<TValue>(value: TValue | PromiseLike<TValue>): value is PromiseLike<TValue> {
  return typeof value === 'object' && value !== null && 'then' in value
}
