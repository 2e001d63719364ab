import { type InputHTMLAttributes, useEffect, useRef, useState } from 'react'

const PAUSE_MS = 500

interface TextFilterProps extends Omit<InputHTMLAttributes<HTMLInputElement>, 'onChange'> {
  readonly value: string
  /** Hears of what was typed: after a pause, with Enter, and when it is left. */
  readonly onChange: (value: string) => void
}

/** A text to filter by. */
export function TextFilter({ value, onChange, ...input }: TextFilterProps) {
  const [typed, setTyped] = useState(value)
  const [known, setKnown] = useState(value)
  if (known !== value) {
    setKnown(value)
    setTyped(value)
  }
  const pause = useRef<ReturnType<typeof setTimeout>>(undefined)
  // The one of the last drawing: other filters may have changed during the pause.
  const latest = useRef(onChange)
  useEffect(() => {
    latest.current = onChange
  })
  // biome-ignore lint/correctness/useExhaustiveDependencies: what was typed is over with another value, too
  useEffect(() => () => clearTimeout(pause.current), [value])
  const tell = (text: string) => {
    clearTimeout(pause.current)
    latest.current(text.trim())
  }
  const type = (text: string) => {
    setTyped(text)
    clearTimeout(pause.current)
    pause.current = setTimeout(() => tell(text), PAUSE_MS)
  }
  return (
    <input
      {...input}
      className="input"
      autoComplete="off"
      value={typed}
      onChange={(event) => type(event.target.value)}
      onBlur={() => tell(typed)}
      onKeyDown={(event) => event.key === 'Enter' && tell(typed)}
    />
  )
}
