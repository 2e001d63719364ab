/**
 * Shows what is being edited. It knows nothing of the editor: both share the state, of which it is told every
 * change, as components of Oqtane share `SiteState.Properties`.
 */
export function createPreview({ figure, title, path, draft }) {
  draft.subscribe('title', (value) => {
    figure.hidden = value === undefined
    title.textContent = value ?? ''
  })
  draft.subscribe('path', (value) => {
    path.textContent = value === undefined ? 'not saved yet' : `/${value}`
  })
  draft.subscribe('isChanged', (isChanged) => {
    figure.classList.toggle('is-changed', isChanged === true)
  })
}

/** Marks the window's title while something is not saved: a third component with the same state. */
export function markWindow(draft) {
  const MARK = '● '
  draft.subscribe('isChanged', (isChanged) => {
    const title = document.title.replace(MARK, '')
    document.title = isChanged ? MARK + title : title
  })
}
