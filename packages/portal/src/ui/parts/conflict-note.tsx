import { list } from '../format.ts'
import { t } from '../preferences.ts'
import { Button } from './button.tsx'

interface ConflictNoteProps {
  /** That somebody else has changed it. */
  readonly about: string
  /** What they have changed. */
  readonly fields: readonly string[]
  readonly onLoadTheirs: () => void
  readonly onKeepMine: () => void
}

/** Says that somebody else has changed what is edited, and lets the person choose. */
export function ConflictNote({ about, fields, onLoadTheirs, onKeepMine }: ConflictNoteProps) {
  return (
    <div className="note warn" role="alert">
      <p>{about}</p>
      {fields.length > 0 && <p>{t.edit.changedFields(list(fields))}</p>}
      <div className="row">
        <Button onClick={onLoadTheirs}>{t.edit.loadTheirs}</Button>
        <Button onClick={onKeepMine}>{t.edit.keepMine}</Button>
      </div>
    </div>
  )
}
