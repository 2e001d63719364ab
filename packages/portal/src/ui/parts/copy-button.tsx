import { Check, Copy } from 'lucide-react'
import { useState } from 'react'
import { t } from '../preferences.ts'
import { Button } from './button.tsx'

interface CopyButtonProps {
  readonly text: string
  /** What it is that is copied, where the button does not say it. */
  readonly what?: string
  /** What the button says. */
  readonly title?: string
}

/** Copies a text. */
export function CopyButton({ text, what, title = t.copy.action }: CopyButtonProps) {
  const [said, setSaid] = useState<string>()
  async function copy() {
    // Not there on a page that came over http, other than from this machine.
    const isCopied = await navigator.clipboard?.writeText(text).then(
      () => true,
      () => false,
    )
    setSaid(isCopied ? t.copy.done : t.copy.refused)
    setTimeout(() => setSaid(undefined), 2_500)
  }
  return (
    <span className="row">
      <span className="small quiet" role="status">
        {said}
      </span>
      <Button slim onClick={copy} label={what === undefined ? title : t.copy.label(title, what)}>
        {said === t.copy.done ? <Check aria-hidden /> : <Copy aria-hidden />} {title}
      </Button>
    </span>
  )
}
