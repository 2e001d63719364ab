import { useEffect, useState } from 'react'
import { fullTime, relativeTime } from '../format.ts'

/** A time as people say it; the exact one shows when one points at it. */
export function Time({ at }: { readonly at: string }) {
  const [now, setNow] = useState(() => Date.now())
  useEffect(() => {
    const distance = Math.abs(Date.now() - new Date(at).getTime())
    const timer = setInterval(() => setNow(Date.now()), distance < 3_600_000 ? 1_000 : 60_000)
    return () => clearInterval(timer)
  }, [at])
  return (
    <time dateTime={at} title={fullTime(at)}>
      {relativeTime(at, now)}
    </time>
  )
}
