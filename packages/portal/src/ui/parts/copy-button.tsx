import { useState } from 'react'
import { Button } from './button.tsx'

/** Copies a text. */
export function CopyButton({ text, what }: { readonly text: string; readonly what: string }) {
  const [said, setSaid] = useState<string>()
  async function copy() {
    // Not there on a page that came over http, other than from this machine.
    const isCopied = await navigator.clipboard?.writeText(text).then(
      () => true,
      () => false,
    )
    setSaid(isCopied ? 'Copied' : 'Select it and copy it by hand')
    setTimeout(() => setSaid(undefined), 2_500)
  }
  return (
    <span className="row">
      <Button slim onClick={copy} label={`Copy ${what}`}>
        Copy
      </Button>
      <span className="small quiet" role="status">
        {said}
      </span>
    </span>
  )
}
