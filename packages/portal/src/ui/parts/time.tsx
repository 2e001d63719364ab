import { useEffect, useState } from 'react'
import { fullTime, relativeTime, zoneText } from '../format.ts'

interface TimeProps {
  readonly at: string
  /** Whether the exact time stands before the relative one. */
  readonly isExact?: boolean
}

/** A time as people say it; the exact one, with its zone, shows when one points at it. */
export function Time({ at, isExact = false }: TimeProps) {
  const [now, setNow] = useState(() => Date.now())
  useEffect(() => {
    const distance = Math.abs(Date.now() - new Date(at).getTime())
    const timer = setInterval(() => setNow(Date.now()), distance < 3_600_000 ? 1_000 : 60_000)
    return () => clearInterval(timer)
  }, [at])
  const relative = relativeTime(at, now)
  return (
    <time dateTime={at} title={`${fullTime(at)}, ${zoneText()}`}>
      {isExact ? `${fullTime(at)} (${relative})` : relative}
    </time>
  )
}
