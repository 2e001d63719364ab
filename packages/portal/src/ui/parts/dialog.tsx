import { Dialog as Base } from '@base-ui/react/dialog'
import { type ReactNode, useEffect, useState } from 'react'
import { isFramed, noteSeenPart } from '../frame.ts'

interface DialogProps {
  readonly title: string
  readonly children: ReactNode
  readonly onClose: () => void
}

/** A dialog that the rest of the page waits for; Escape closes it, and the focus returns to what has opened it. */
export function Dialog({ title, children, onClose }: DialogProps) {
  useReturnOfFocus()
  const [isPlaced, setPlaced] = useState(!isFramed())
  useEffect(() => {
    void noteSeenPart().then(() => setPlaced(true))
  }, [])
  return (
    <Base.Root open={isPlaced} onOpenChange={(isOpen) => isOpen || onClose()}>
      <Base.Portal>
        <Base.Backdrop className="backdrop" />
        <Base.Popup className="dialog">
          <div className="dialog-body">
            <Base.Title>{title}</Base.Title>
            {children}
          </div>
        </Base.Popup>
      </Base.Portal>
    </Base.Root>
  )
}

/** Focuses what had the focus before, or the page where that is gone. */
function useReturnOfFocus(): void {
  const [opener] = useState(() => document.activeElement)
  useEffect(
    () => () => {
      // Once the dialog has left the page, and what it has changed is drawn.
      setTimeout(() => {
        const { activeElement } = document
        if (activeElement !== null && activeElement !== document.body) return
        const target = opener instanceof HTMLElement && opener.isConnected ? opener : undefined
        const next = target ?? document.getElementById('main')
        next?.focus({ preventScroll: next.id === 'main' })
      })
    },
    [opener],
  )
}
