import type { Endpoint } from '../api-types.ts'
import { ask } from '../http.ts'
import { Button } from '../parts/button.tsx'
import { ProblemNote } from '../parts/problem-note.tsx'
import { t } from '../preferences.ts'
import { useUser } from '../session.ts'
import { useAction } from '../use-action.ts'

/** Enables a disabled endpoint; nothing where there is nothing to enable, or the person may not. */
export function EnableButton({ endpoint }: { readonly endpoint: Endpoint }) {
  const { role } = useUser()
  const enabling = useAction(() => ask('POST', `endpoints/${encodeURIComponent(endpoint.id)}/enable`))
  if (endpoint.enabled || endpoint.ownership === 'pending' || role !== 'manager') return null
  return (
    <>
      <Button kind="primary" isBusy={enabling.isBusy} onClick={enabling.run}>
        {t.danger.enable}
      </Button>
      <ProblemNote problem={enabling.problem} />
    </>
  )
}
