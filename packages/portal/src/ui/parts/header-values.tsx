import { useState } from 'react'
import { t } from '../preferences.ts'
import { useUser } from '../session.ts'
import { Button } from './button.tsx'

const HIDDEN = '••••••••'

/** Headers whose values may be credentials: they show when they are asked for, and to managers alone. */
export function HeaderValues({ headers }: { readonly headers: Readonly<Record<string, string>> }) {
  const { role } = useUser()
  const [isShown, setShown] = useState(false)
  return (
    <div className="stack-tight">
      {Object.entries(headers).map(([name, value]) => (
        <div className="mono" key={name}>
          {`${name}: ${isShown ? value : HIDDEN}`}
        </div>
      ))}
      {role === 'manager' && (
        <div>
          <Button slim onClick={() => setShown(!isShown)}>
            {isShown ? t.headers.hideValues : t.headers.showValues}
          </Button>
        </div>
      )}
    </div>
  )
}
