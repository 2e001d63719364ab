import type { ReactNode } from 'react'
import { t } from '../preferences.ts'
import { useAction } from '../use-action.ts'
import { Button } from './button.tsx'
import { Dialog } from './dialog.tsx'
import { ProblemNote } from './problem-note.tsx'

interface ConfirmDialogProps {
  readonly title: string
  readonly children: ReactNode
  /** What the button that does it says. */
  readonly action: string
  readonly act: () => Promise<unknown>
  readonly onClose: () => void
}

/** Asks before something that cannot be undone. */
export function ConfirmDialog({ title, children, action, act, onClose }: ConfirmDialogProps) {
  const doing = useAction(async () => {
    await act()
    onClose()
  })
  return (
    <Dialog title={title} onClose={onClose}>
      <div className="stack-tight">{children}</div>
      <ProblemNote problem={doing.problem} />
      <div className="dialog-actions">
        <Button onClick={onClose}>{t.common.keep}</Button>
        <Button kind="danger" isBusy={doing.isBusy} onClick={doing.run}>
          {action}
        </Button>
      </div>
    </Dialog>
  )
}
