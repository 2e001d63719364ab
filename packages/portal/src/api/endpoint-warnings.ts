import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import type { CreateEndpoint, Endpoint, Endpoints } from '@x/sender'
import type { EndpointWarning } from '../ui/api-types.ts'

const PAGE = 250
const LOOKUP_TIMEOUT_MS = 1_500

/** What may be a slip in a new endpoint. */
export async function creationWarnings(
  endpoints: Endpoints,
  endpoint: Endpoint,
  { eventTypes }: CreateEndpoint,
): Promise<readonly EndpointWarning[]> {
  const all: EndpointWarning = {
    code: 'all_event_types',
    field: 'eventTypes',
    detail:
      'eventTypes was not given, so that the endpoint gets all events. Give ["*"] to say so, or a choice of types.',
  }
  return [...(eventTypes === undefined ? [all] : []), ...(await urlWarnings(endpoints, endpoint))]
}

/** What may be a slip in an endpoint's URL. */
export async function urlWarnings(endpoints: Endpoints, endpoint: Endpoint): Promise<EndpointWarning[]> {
  const { url } = endpoint
  if (url === undefined) return []
  const found = await Promise.all([duplicateOf(endpoints, endpoint), unresolvedHost(url)])
  return found.flatMap((detail, index) => {
    if (detail === undefined) return []
    return [{ code: index === 0 ? 'duplicate_url' : 'unresolved_host', field: 'url', detail }]
  })
}

async function duplicateOf(
  endpoints: Endpoints,
  { id, tenantId, url }: Endpoint,
): Promise<string | undefined> {
  let before: string | undefined
  do {
    const page = await endpoints.list({ tenantId, before, limit: PAGE })
    const other = page.find((one) => one.url === url && one.id !== id)
    if (other)
      return `The endpoint ${other.id} has this URL too: it gets events twice that both have asked for.`
    before = page.length === PAGE ? page.at(-1)?.id : undefined
  } while (before !== undefined)
  return undefined
}

let isLookingUp = false

async function unresolvedHost(url: string): Promise<string | undefined> {
  const { hostname } = new URL(url)
  // The system's resolver has four threads for all of the process: a name whose servers are silent gets one.
  if (isIP(hostname.replaceAll(/[[\]]/g, '')) !== 0 || isLookingUp) return undefined
  isLookingUp = true
  const found = lookup(hostname).then(
    () => undefined,
    ({ code }: NodeJS.ErrnoException) =>
      `The name ${JSON.stringify(hostname)} leads to no address now (${code}). Is it spelled right? Webhooks fail until it does.`,
  )
  found.finally(() => {
    isLookingUp = false
  })
  let timer: NodeJS.Timeout | undefined
  const timeout = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), LOOKUP_TIMEOUT_MS)
  })
  const detail = await Promise.race([found, timeout])
  clearTimeout(timer)
  return detail
}
