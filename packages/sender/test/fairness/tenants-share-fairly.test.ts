import fc from 'fast-check'
import { expect, it } from 'vitest'
import { createFairShare, tenantsInTurn } from '../../src/fair-share.ts'

const SLOTS = 64

it('has a slot for whoever comes next, however greedy the others are', () => {
  const greedy = fc.array(fc.integer({ min: 1, max: 20 }), { maxLength: 2_000 })
  fc.assert(
    fc.property(greedy, (tenants) => {
      const share = createFairShare(SLOTS)
      for (const tenantId of tenants) if (share.hasRoom(tenantId)) share.take(tenantId)
      expect(share.hasRoom(999)).toBe(true)
      expect(share.used).toBeLessThan(SLOTS)
    }),
  )
})

it('gives a tenant alone one half, and two a third each once they both want more', () => {
  const share = createFairShare(SLOTS)
  const held = { one: 0, two: 0 }
  const takeAll = (name: keyof typeof held, tenantId: number) => {
    while (share.hasRoom(tenantId)) {
      share.take(tenantId)
      held[name] += 1
    }
  }
  takeAll('one', 1)
  expect(held.one).toBe(SLOTS / 2)
  takeAll('two', 2)
  for (let round = 0; round < SLOTS; round++) {
    share.release(1)
    held.one -= 1
    takeAll('two', 2)
    takeAll('one', 1)
  }
  expect(Math.abs(held.one - held.two)).toBeLessThanOrEqual(1)
  expect(SLOTS - share.used).toBe(21)
})

it('takes back what was given', () => {
  const actions = fc.array(fc.record({ tenantId: fc.integer({ min: 1, max: 5 }), takes: fc.boolean() }))
  fc.assert(
    fc.property(actions, (all) => {
      const share = createFairShare(SLOTS)
      const held: number[] = []
      for (const { tenantId, takes } of all) {
        if (takes && share.hasRoom(tenantId)) {
          share.take(tenantId)
          held.push(tenantId)
        } else if (!takes) {
          const last = held.pop()
          if (last !== undefined) share.release(last)
        }
      }
      expect(share.used).toBe(held.length)
      for (const tenantId of held) share.release(tenantId)
      expect(share.used).toBe(0)
      expect(share.hasRoom(1)).toBe(true)
    }),
  )
})

it('takes items of tenants in turn, each in its order', () => {
  const items = [1, 1, 1, 1, 2, 3, 3].map((tenantId, index) => ({ tenantId, index }))
  expect(tenantsInTurn(items, 5).map(({ index }) => index)).toEqual([0, 4, 5, 1, 6])
  expect(tenantsInTurn(items, 100)).toHaveLength(7)
  expect(tenantsInTurn([], 5)).toEqual([])
})
