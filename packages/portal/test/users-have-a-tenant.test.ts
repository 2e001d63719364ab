import { expect, it } from 'vitest'
import { checkedUser } from '../src/authorize.ts'

it.each([
  {},
  { role: 'manager' },
  { tenantId: undefined, role: 'manager' },
  { tenantId: '1', role: 'manager' },
  { tenantId: Number.NaN, role: 'viewer' },
  { tenantId: -1, role: 'viewer' },
  { tenantId: 1 },
  { tenantId: 1, role: 'admin' },
  true,
])('refuses a user without a tenant of their own, or without a role: %j', (user) => {
  expect(() => checkedUser(user as never)).toThrow('must give { tenantId, role }')
})

it('knows nobody, and whoever has both', () => {
  for (const nobody of [undefined, null, false, '']) expect(checkedUser(nobody as never)).toBeUndefined()
  const user = { tenantId: 1, role: 'viewer' } as const
  expect(checkedUser(user)).toBe(user)
})
