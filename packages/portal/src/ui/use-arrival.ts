import { useEffect } from 'react'

/** Begins what has taken the place of a form, at the same address, at its top. */
export function useArrival(): void {
  useEffect(() => {
    scrollTo(0, 0)
    document.getElementById('main')?.focus({ preventScroll: true })
  }, [])
}
