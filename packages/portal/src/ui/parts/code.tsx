import type { ReactNode } from 'react'
import { CopyButton } from './copy-button.tsx'

interface CodeProps {
  readonly text: string
  /** What it is, for whoever cannot see it. */
  readonly label: string
  /** What is copied, if anything can be. */
  readonly copy?: string | undefined
}

/** Text as a machine reads it; JSON in colours. */
export function Code({ text, label, copy }: CodeProps) {
  return (
    <div className="code-frame">
      {copy !== undefined && (
        <div className="copy">
          <CopyButton text={copy} what={label} />
        </div>
      )}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, also by the keyboard */}
      <section className="code" tabIndex={0} aria-label={label}>
        <pre>{colouredJson(text)}</pre>
      </section>
    </div>
  )
}

const MAX_COLOURED = 50_000
const TOKEN = /("(?:[^"\\]|\\.)*")(\s*:)?|\b(?:true|false|null)\b|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g

/** The text, its names, strings and values marked where it is JSON. */
function colouredJson(text: string): ReactNode {
  if (!/^\s*[{[]/.test(text) || text.length > MAX_COLOURED) return text
  const parts: ReactNode[] = []
  let end = 0
  for (const match of text.matchAll(TOKEN)) {
    const [whole, quoted, colon] = match
    const kind = quoted === undefined ? 'value' : colon === undefined ? 'string' : 'name'
    const token = quoted ?? whole
    parts.push(
      text.slice(end, match.index),
      <span className={`json-${kind}`} key={match.index}>
        {token}
      </span>,
    )
    end = match.index + token.length
  }
  parts.push(text.slice(end))
  return parts
}
