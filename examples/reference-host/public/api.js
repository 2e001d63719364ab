// The host's API, as this page uses it.

const KEY = 'token'

/** The token that somebody has signed in with; this tab's alone, and gone with it. */
export const token = {
  get: () => sessionStorage.getItem(KEY),
  set: (value) => (value ? sessionStorage.setItem(KEY, value) : sessionStorage.removeItem(KEY)),
}

/** The headers of a request by whoever is signed in. */
export function authorization() {
  const value = token.get()
  return value ? { authorization: `Bearer ${value}` } : {}
}

/** Asks the host; what it refuses is an error with the reason that it gives. */
export async function ask(path, { method = 'GET', json } = {}) {
  const response = await fetch(path, {
    method,
    body: json === undefined ? undefined : JSON.stringify(json),
    headers: { ...authorization(), ...(json === undefined ? {} : { 'content-type': 'application/json' }) },
  })
  if (response.ok) return response.status === 204 ? undefined : response.json()
  if (response.status === 404) return undefined
  throw refusal(await response.json().catch(() => ({ title: response.statusText })))
}

/**
 * Uploads a form, and tells how much of it is on its way: `fetch` cannot.
 *
 * @param onProgress - is called with a number between 0 and 1.
 */
export function uploadForm(path, form, onProgress) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest()
    request.open('POST', path)
    for (const [name, value] of Object.entries(authorization())) request.setRequestHeader(name, value)
    request.upload.addEventListener('progress', ({ loaded, total }) => onProgress(total ? loaded / total : 0))
    request.addEventListener('error', () => reject(new Error('The host does not answer.')))
    request.addEventListener('load', () => {
      if (request.status < 300) return resolve(JSON.parse(request.responseText))
      let problem = { title: request.statusText }
      try {
        problem = JSON.parse(request.responseText)
      } catch {}
      reject(refusal(problem))
    })
    request.send(form)
  })
}

function refusal({ title, detail, errors }) {
  const fields = Object.entries(errors ?? {}).map(([name, problems]) => `${name} ${problems.join(', ')}`)
  return new Error([detail ?? title, ...fields].join(' '))
}
