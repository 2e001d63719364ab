import { EntityNames, type IServiceScope, type IServiceScopeFactory } from '@x/events-core'
import { waitFor } from '@x/testkit'
import { expect, it } from 'vitest'
import { openEngine, site } from '../open-engine.ts'

it('opens a scope for each call, and disposes of it afterwards, also when the call fails', async () => {
  const opened: number[] = []
  const disposed: number[] = []
  const services: IServiceScopeFactory = {
    createScope(): IServiceScope {
      const number = opened.push(opened.length + 1)
      return {
        resolve: <TService>() => number as TService,
        async [Symbol.asyncDispose]() {
          disposed.push(number)
        },
      }
    },
  }
  await using host = await openEngine({ services })
  const resolved: number[] = []
  await host.engine.subscribe(
    {
      entityChanged(_event, { scope, attempt }) {
        resolved.push(scope?.resolve<number>('number') ?? 0)
        if (attempt === 1) throw new Error('once')
      },
    },
    { name: 'scoped', mode: 'durable', retry: { firstDelayMs: 1 } },
  )
  await host.engine.start()
  await host.engine.syncManager.addSyncEvent(site, EntityNames.File, 1, 'Download')
  await waitFor(() => disposed.length === 2, 'both scopes to be disposed of')
  expect({ resolved, opened, disposed }).toEqual({ resolved: [1, 2], opened: [1, 2], disposed: [1, 2] })
})
