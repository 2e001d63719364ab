import { type InputHTMLAttributes, useEffect, useState } from 'react'

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
  // biome-ignore lint/correctness/useExhaustiveDependencies: what is typed begins the pause anew, and nothing else
  useEffect(() => {
    if (typed.trim() === value) return
    const timer = setTimeout(() => onChange(typed.trim()), PAUSE_MS)
    return () => clearTimeout(timer)
  }, [typed])
  return (
    <input
      {...input}
      className="input"
      autoComplete="off"
      value={typed}
      onChange={(event) => setTyped(event.target.value)}
      onBlur={() => onChange(typed.trim())}
      onKeyDown={(event) => event.key === 'Enter' && onChange(typed.trim())}
    />
  )
}
