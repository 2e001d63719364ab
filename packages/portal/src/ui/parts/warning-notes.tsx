import type { EndpointWarning } from '../api-types.ts'

/** Says what may be a slip in an endpoint that was stored all the same. */
export function WarningNotes({ warnings }: { readonly warnings: readonly EndpointWarning[] }) {
  return warnings.map(({ code, detail }) => (
    <div className="note warn" role="status" key={code}>
      <p className="anywhere">{detail}</p>
    </div>
  ))
}
