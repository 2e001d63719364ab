import { useEffect, useState } from 'react'

/** What keeps a person from losing what was typed. */
export interface LeaveGuard {
  /** The URL where the person wants to go, while that is asked about. */
  readonly destination: string | undefined
  stay(): void
  /** Goes there; what was typed is lost. */
  leave(): void
  /** Whether what comes next may pass: while the form is saved. */
  release(isReleased: boolean): void
}

interface NavigateEvent extends Event {
  readonly destination: { readonly url: string }
}

/** Asks before a changed form is left: by a link, by Back, or by closing the window. */
export function useLeaveGuard(isChanged: boolean): LeaveGuard {
  const [destination, setDestination] = useState<string>()
  const [isReleased] = useState<{ value: boolean }>(() => ({ value: false }))
  useEffect(() => {
    if (!isChanged) return
    const onUnload = (event: BeforeUnloadEvent) => {
      if (!isReleased.value) event.preventDefault()
    }
    const onNavigate = (event: Event) => {
      const { destination: to, cancelable } = event as NavigateEvent
      if (isReleased.value || !cancelable || to.url === location.href) return
      event.preventDefault()
      setDestination(to.url)
    }
    // Not in every browser; there, only closing the window is asked about.
    const { navigation } = globalThis as unknown as { navigation?: EventTarget }
    addEventListener('beforeunload', onUnload)
    navigation?.addEventListener('navigate', onNavigate)
    return () => {
      removeEventListener('beforeunload', onUnload)
      navigation?.removeEventListener('navigate', onNavigate)
    }
  }, [isChanged, isReleased])
  return {
    destination,
    stay: () => setDestination(undefined),
    leave() {
      isReleased.value = true
      setDestination(undefined)
      if (destination !== undefined) location.assign(destination)
    },
    release(released) {
      isReleased.value = released
    },
  }
}
