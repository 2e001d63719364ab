/** Divides slots among tenants. */
export interface FairShare {
  /** Slots in use. */
  readonly used: number
  /** Whether the tenant may take another slot. */
  hasRoom(tenantId: number): boolean
  /** @param amount - how many slots; 1 if left out. */
  take(tenantId: number, amount?: number): void
  release(tenantId: number): void
}

/**
 * Lets a tenant hold at most as many slots as are free. A tenant alone gets half of them, two get a third each; so a
 * slot is free for the next one, however many slots the others want and however long they keep them.
 *
 * @param slots - how many there are.
 */
export function createFairShare(slots: number): FairShare {
  const held = new Map<number, number>()
  let used = 0

  return {
    get used() {
      return used
    },
    hasRoom: (tenantId) => (held.get(tenantId) ?? 0) < slots - used,
    take(tenantId, amount = 1) {
      used += amount
      held.set(tenantId, (held.get(tenantId) ?? 0) + amount)
    },
    release(tenantId) {
      used -= 1
      const left = (held.get(tenantId) ?? 0) - 1
      if (left > 0) held.set(tenantId, left)
      else held.delete(tenantId)
    },
  }
}

/**
 * Takes one item of each tenant in turn, so that a tenant with many does not come before one with few.
 *
 * @param limit - how many to take at most.
 */
export function tenantsInTurn<TItem extends { readonly tenantId: number }>(
  items: Iterable<TItem>,
  limit: number,
): TItem[] {
  return inTurn(items, ({ tenantId }) => tenantId).slice(0, limit)
}

/** Orders items so that the first of each group comes before the second of any. */
export function inTurn<TItem>(items: Iterable<TItem>, groupOf: (item: TItem) => unknown): TItem[] {
  const rounds: TItem[][] = []
  const taken = new Map<unknown, number>()
  for (const item of items) {
    const group = groupOf(item)
    const round = taken.get(group) ?? 0
    taken.set(group, round + 1)
    rounds[round] ??= []
    rounds[round].push(item)
  }
  return rounds.flat()
}
