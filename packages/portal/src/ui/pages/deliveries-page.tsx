import { useEffect } from 'react'
import { rememberPlace, useHashRoute } from '../hash-route.ts'
import { PageHead } from '../parts/page-head.tsx'
import { t } from '../preferences.ts'
import { DeliverySearch } from './delivery-search.tsx'

/** What was sent, newest first. */
export function DeliveriesPage() {
  const { query } = useHashRoute()
  // biome-ignore lint/correctness/useExhaustiveDependencies: each change of the address is remembered
  useEffect(() => rememberPlace('deliveries'), [query])
  return (
    <>
      <PageHead title={t.shell.deliveries} about={t.deliveries.about} />
      <DeliverySearch />
    </>
  )
}
