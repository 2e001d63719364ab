/**
 * Keeps the keyboard where it was when the focused element leaves the page, as a button does whose action replaces it:
 * what was around it takes the focus, so that Tab goes on from there.
 *
 * @returns what ends it.
 */
export function keepFocus(): () => void {
  let path: readonly HTMLElement[] = []
  const onFocus = ({ target }: FocusEvent) => {
    path = target instanceof HTMLElement ? ancestorsOf(target) : []
  }
  const observer = new MutationObserver(() => {
    const [focused] = path
    if (!focused || focused.isConnected || document.activeElement !== document.body) return
    const near = path.find((one) => one.isConnected && one !== document.body)
    if (!near) return
    near.setAttribute('tabindex', near.getAttribute('tabindex') ?? '-1')
    near.dataset['keepsFocus'] = ''
    near.focus({ preventScroll: true })
  })
  document.addEventListener('focusin', onFocus)
  observer.observe(document.body, { childList: true, subtree: true })
  return () => {
    document.removeEventListener('focusin', onFocus)
    observer.disconnect()
  }
}

function ancestorsOf(element: HTMLElement): HTMLElement[] {
  const path: HTMLElement[] = []
  for (let one: HTMLElement | null = element; one; one = one.parentElement) path.push(one)
  return path
}
