import { expect, it, vi } from 'vitest'
import { createLeaseManager } from '../../src/deliver/lease-manager.ts'
import type { DeliveryStore } from '../../src/store/store.ts'

it('logs a lease that another node has taken and given up before this one noticed', async () => {
  let epoch = 0
  const leaseDueEndpoints = async () => [{ endpointKey: 5, tenantId: '1', epoch: ++epoch }]
  const logger = { debug: vi.fn(), info: vi.fn(), warn: vi.fn(), error: vi.fn() }
  const leases = createLeaseManager({
    store: { leaseDueEndpoints } as unknown as DeliveryStore,
    logger,
    leaseMs: 700,
  })
  const [first] = await leases.takeDue()
  expect(logger.warn).not.toHaveBeenCalled()
  const [second] = await leases.takeDue()
  expect(logger.warn.mock.calls).toEqual([[{ endpoint: 5 }, 'The lease of an endpoint was lost']])
  expect(first?.closed).toBe(true)
  expect([...leases.endpoints.values()]).toEqual([second])
})
