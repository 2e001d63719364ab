/** What to open and what to type, once host and consumer run. */
export function whatToTry(hostUrl: string, token: string): string {
  return `
The host and the consumer of its webhooks are running. Stop both with Ctrl-C.

  Open the site in two windows, change something in one, and see the other follow:
    ${hostUrl}/
    sign in with the admin token ${token}
  Open the configuration page of the webhooks, and watch them arrive; the token is the same:
    ${hostUrl}/portal/
  Upload a file, and download it; the consumer gets a webhook about each, and prints it here:
    curl -H 'Authorization: Bearer ${token}' -F file=@LICENSE ${hostUrl}/api/File/upload
    curl -O -J ${hostUrl}/api/File/download/1
  What the host's own subscriber has noted about the downloads:
    curl -H 'Authorization: Bearer ${token}' ${hostUrl}/api/File/1/downloads
  What the page shows, as JSON:
    curl -H 'Authorization: Bearer ${token}' ${hostUrl}/portal/api/deliveries
`
}
