// The host's API, as this page uses it.

const KEY = 'token'

/** The token that somebody has signed in with; this tab's alone, and gone with it. */
export const token = {
  get: () => sessionStorage.getItem(KEY),
  set: (value) => (value ? sessionStorage.setItem(KEY, value) : sessionStorage.removeItem(KEY)),
}

/** Headers of whoever is signed in. */
export function authorization() {
  const value = token.get()
  return value ? { authorization: `Bearer ${value}` } : {}
}

/** Asks the host; what it refuses is an error with the reason that it gives. */
export async function ask(path, { method = 'GET', json, body } = {}) {
  const response = await fetch(path, {
    method,
    body: json === undefined ? body : JSON.stringify(json),
    headers: { ...authorization(), ...(json === undefined ? {} : { 'content-type': 'application/json' }) },
  })
  if (response.ok) return response.status === 204 ? undefined : response.json()
  if (response.status === 404) return undefined
  const { title, detail, errors } = await response.json().catch(() => ({ title: response.statusText }))
  const fields = Object.entries(errors ?? {}).map(([name, problems]) => `${name} ${problems.join(', ')}`)
  throw new Error([detail ?? title, ...fields].join(' '))
}
