import type { LeaveGuard } from '../leave-guard.ts'
import { t } from '../preferences.ts'
import { Button } from './button.tsx'
import { Dialog } from './dialog.tsx'

/** Asks whether what was typed may be lost, while a person wants to go somewhere else. */
export function LeaveDialog({ guard }: { readonly guard: LeaveGuard }) {
  if (guard.destination === undefined) return null
  return (
    <Dialog title={t.form.leaveTitle} onClose={guard.stay}>
      <p>{t.form.leaveAbout}</p>
      <div className="dialog-actions">
        <Button onClick={guard.stay}>{t.form.stay}</Button>
        <Button kind="danger" onClick={guard.leave}>
          {t.form.leave}
        </Button>
      </div>
    </Dialog>
  )
}
