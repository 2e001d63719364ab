import type { EndpointWarning } from '../api-types.ts'
import { warningText } from '../problem-text.ts'

/** Says what may be a slip in an endpoint that was stored all the same. */
export function WarningNotes({ warnings }: { readonly warnings: readonly EndpointWarning[] }) {
  return warnings.map((warning) => (
    <div className="note warn" role="status" key={warning.code}>
      <p className="anywhere">{warningText(warning)}</p>
    </div>
  ))
}
