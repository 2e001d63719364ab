import { CopyButton } from './copy-button.tsx'

interface CodeProps {
  readonly text: string
  /** What it is, for whoever cannot see it. */
  readonly label: string
  /** What is copied, if anything can be. */
  readonly copy?: string | undefined
}

/** Text as a machine reads it. */
export function Code({ text, label, copy }: CodeProps) {
  return (
    <div className="code-frame">
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, also by the keyboard */}
      <section className="code" tabIndex={0} aria-label={label}>
        <pre>{text}</pre>
      </section>
      {copy !== undefined && <CopyButton text={copy} what={label} />}
    </div>
  )
}
