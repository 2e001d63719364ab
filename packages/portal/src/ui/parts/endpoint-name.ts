import type { Endpoint } from '../api-types.ts'
import { t } from '../preferences.ts'

/** What an endpoint is called: its URL; without one, its description or its id. */
export function endpointName({ url, description, id }: Pick<Endpoint, 'url' | 'description' | 'id'>): string {
  return url ?? (description === '' ? t.endpoint.pullName(id) : description)
}
