/**
 * Shows entities in a list, one item each, which can be changed one by one.
 *
 * @param fill - puts an entity into its (empty) item.
 */
export function createList({ list, empty, idOf, fill }) {
  const items = new Map()

  function show(id, entity, isNew) {
    const existing = items.get(id)
    if (entity === undefined) {
      existing?.remove()
      items.delete(id)
    } else {
      const item = document.createElement('li')
      item.dataset.id = id
      item.classList.toggle('is-new', isNew)
      fill(item, entity)
      if (existing) existing.replaceWith(item)
      else list.append(item)
      items.set(id, item)
    }
    empty.hidden = items.size > 0
  }

  return {
    setAll(entities) {
      list.replaceChildren()
      items.clear()
      empty.hidden = entities.length > 0
      for (const entity of entities) show(String(idOf(entity)), entity, false)
    },
    /** Shows one entity as it is now; undefined: it is gone. */
    set: (id, entity) => show(String(id), entity, true),
  }
}
