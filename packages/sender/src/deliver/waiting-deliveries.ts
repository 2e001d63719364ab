import type { DueDelivery } from '../deliveries/due-delivery.ts'

/** Deliveries of one kind that wait for their turn, the next one first, and how many bytes they keep in memory. */
export class WaitingDeliveries {
  readonly #list: DueDelivery[] = []
  #bytes = 0

  get length(): number {
    return this.#list.length
  }

  /** Of their bodies. */
  get bytes(): number {
    return this.#bytes
  }

  /** Of the bodies of all but the next. */
  get bytesBehind(): number {
    return this.#bytes - (this.#list[0]?.body.length ?? 0)
  }

  /** Whether fewer wait, and fewer bytes, or none. */
  hasRoom(size: number, bytes: number): boolean {
    return this.length === 0 || (this.length < size && this.#bytes < bytes)
  }

  has(messageKey: number): boolean {
    return this.#list.some((delivery) => delivery.messageKey === messageKey)
  }

  push(delivery: DueDelivery): void {
    this.#list.push(delivery)
    this.#bytes += delivery.body.length
  }

  shift(): DueDelivery | undefined {
    return this.#left(this.#list.shift())
  }

  remove(messageKey: number): DueDelivery | undefined {
    const index = this.#list.findIndex((delivery) => delivery.messageKey === messageKey)
    return this.#left(index < 0 ? undefined : this.#list.splice(index, 1)[0])
  }

  clear(): void {
    this.#list.length = 0
    this.#bytes = 0
  }

  #left(delivery: DueDelivery | undefined): DueDelivery | undefined {
    if (delivery) this.#bytes -= delivery.body.length
    return delivery
  }

  [Symbol.iterator](): IterableIterator<DueDelivery> {
    return this.#list.values()
  }
}
