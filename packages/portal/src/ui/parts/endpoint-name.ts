import type { Endpoint } from '../api-types.ts'

/** What an endpoint is called: its URL; without one, its description or its id. */
export function endpointName({ url, description, id }: Pick<Endpoint, 'url' | 'description' | 'id'>): string {
  return url ?? (description === '' ? `Pull endpoint ${id}` : description)
}
