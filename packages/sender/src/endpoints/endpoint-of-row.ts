import { certificateInfoOf } from './client-certificate.ts'
import type { Endpoint } from './endpoint.ts'
import type { EndpointRow } from './fields.ts'

const TIMES = ['failingSince', 'disabledOn', 'createdOn', 'updatedOn'] as const

type Row = Omit<EndpointRow, 'key' | 'certificate'>
type Shown<TName, TValue> = TName extends (typeof TIMES)[number] ? Date : TValue
/** A row without what is null, and with times as dates. */
type ShownRow = {
  readonly [TName in keyof Row as null extends Row[TName] ? never : TName]: Shown<TName, Row[TName]>
} & {
  readonly [TName in keyof Row as null extends Row[TName] ? TName : never]?: Shown<
    TName,
    NonNullable<Row[TName]>
  >
}

/** An endpoint as users see it: every field of its row. */
export function endpointOf({ key: _, certificate, ...row }: EndpointRow): Endpoint {
  const shown: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(row)) if (value !== null) shown[name] = value
  for (const name of TIMES) if (row[name] !== null) shown[name] = new Date(row[name])
  const clientCertificate = certificate && certificateInfoOf(certificate)
  return { ...(shown as ShownRow), ...(clientCertificate ? { clientCertificate } : {}) }
}
