import { ask } from './api.js'

/**
 * The form that a page is edited in; it knows when somebody else has changed the page meanwhile.
 *
 * @param draft - state that components share: the form sets it, others show it.
 */
export function createEditor({ form, guard, draft }) {
  const part = (id) => document.getElementById(id)
  const { name, title } = form.elements
  let page
  let theirs

  function tell() {
    draft.properties.title = form.hidden ? undefined : title.value || name.value
    draft.properties.path = page?.path
    draft.properties.isChanged =
      !form.hidden && (name.value !== (page?.name ?? '') || title.value !== (page?.title ?? ''))
  }

  function open(next) {
    page = next
    theirs = undefined
    name.value = next?.name ?? ''
    title.value = next?.title ?? ''
    part('editor-title').textContent = next?.pageId ? `Page ${next.pageId}` : 'New page'
    part('delete-page').hidden = !next?.pageId
    part('changed-elsewhere').hidden = true
    form.hidden = false
    tell()
  }

  function close() {
    page = undefined
    form.hidden = true
    tell()
  }

  form.addEventListener('input', tell)
  form.addEventListener('submit', (event) => {
    event.preventDefault()
    guard(async () => {
      const json = { name: name.value, title: title.value || undefined }
      if (page?.pageId)
        await ask(`/api/Page/${page.pageId}`, { method: 'PUT', json: { ...json, path: page.path } })
      else await ask('/api/Page', { method: 'POST', json })
      close()
    })
  })
  part('delete-page').addEventListener('click', () =>
    guard(async () => {
      await ask(`/api/Page/${page.pageId}`, { method: 'DELETE' })
      close()
    }),
  )
  part('close-editor').addEventListener('click', close)
  part('take-theirs').addEventListener('click', () => open(theirs))

  return {
    open,
    close,
    /** A page is now like this; undefined: it is gone. */
    changed(pageId, next) {
      if (page?.pageId !== pageId) return
      if (next === undefined) return close()
      const isTouched = name.value !== page.name || title.value !== page.title
      if (!isTouched) return open(next)
      theirs = next
      part('changed-elsewhere').hidden = next.name === page.name && next.title === page.title
    },
  }
}
