/** What is there to try with a cluster, once it runs. */
export interface RunningCluster {
  readonly proxyUrl: string
  readonly token: string
  readonly nodes: readonly { readonly name: string; readonly url: string; readonly pid: number }[]
}

/** What to type, and what to look out for. */
export function whatToTryWithCluster({ proxyUrl, token, nodes }: RunningCluster): string {
  const [first, second] = nodes
  const json = `-H 'Authorization: Bearer ${token}' -H 'content-type: application/json'`
  const name = (text: string) => `-d '{"name":"${text}"}'`
  return `
Three hosts work on one PostgreSQL database; the proxy hands requests to each in turn. Stop all with Ctrl-C.

  Add a page through the proxy: one host answers, every host's stream tells of it, and the consumer gets one webhook for each event:
    curl ${json} ${name('News')} ${proxyUrl}/api/Page
  Rename the site on one host, and read it from the memory of the others:
    curl -X PUT ${json} ${name('Renamed')} ${first?.url}/api/Site/1
    curl ${second?.url}/api/Site/1
  Follow the events of any host, as browsers do:
    curl -N ${proxyUrl}/api/Sync/stream
  Kill a host, and go on: the others answer, and take over what it was sending:
    kill -9 ${second?.pid}
`
}
