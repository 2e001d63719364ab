import { ask, token } from './api.js'

const EVENTS_SHOWN = 30
const WHAT = {
  Create: 'was added',
  Update: 'was changed',
  Delete: 'was deleted',
  Download: 'was downloaded',
  Refresh: 'asks its windows to fetch again',
  Reload: 'asks its windows to load again',
}
const STATES = {
  pending: 'webhook on its way',
  succeeded: 'webhook delivered',
  exhausted: 'webhook not delivered',
  cancelled: 'webhook cancelled',
}
/** How long after an event its deliveries are looked for: at once, and while the consumer may be slow. */
const LOOKS_AFTER_MS = [300, 1_000, 3_000, 8_000]

/**
 * Shows what happens, the latest first, with what became of the webhooks about it.
 *
 * @param nameOf - what an event's entity is called here, where it is known.
 */
export function createTimeline({ list, empty, nameOf }) {
  const webhooks = new Map()

  async function lookForWebhooks() {
    const { items } = (await ask('/portal/api/deliveries?limit=50')) ?? { items: [] }
    for (const { id, eventId, state } of items) {
      const place = webhooks.get(eventId)
      if (!place || place.dataset.state === state) continue
      place.dataset.state = state
      const link = document.createElement('a')
      link.href = `/portal/#/deliveries/${id}`
      link.textContent = STATES[state]
      place.replaceChildren(link)
    }
  }

  function add({ id, entityName, entityId, action, modifiedOn }) {
    empty.hidden = true
    const item = document.createElement('li')
    item.dataset.id = id
    item.dataset.action = action
    const what = document.createElement('p')
    const name = document.createElement('strong')
    const known = nameOf(entityName, entityId)
    name.textContent = known ?? String(entityId)
    if (known === undefined) name.dataset.unnamed = `${entityName} ${entityId}`
    what.append(`${entityName} `, name, ` ${WHAT[action] ?? action}`)
    const more = document.createElement('p')
    more.className = 'hint'
    const when = document.createElement('time')
    when.dateTime = modifiedOn.toISOString()
    when.textContent = modifiedOn.toLocaleTimeString()
    const type = document.createElement('code')
    type.textContent = `${entityName}.${action}`
    const webhook = document.createElement('span')
    more.append(when, type, webhook)
    item.append(what, more)
    list.prepend(item)
    while (list.children.length > EVENTS_SHOWN) {
      webhooks.delete(list.lastChild.dataset.id)
      list.lastChild.remove()
    }
    // Deliveries are for administrators.
    if (token.get() === null) return
    webhooks.set(id, webhook)
    for (const delay of LOOKS_AFTER_MS) setTimeout(() => lookForWebhooks().catch(() => {}), delay)
  }

  return {
    add,
    /** What an entity is called, where it was shown by its id so far: a page that was just added. */
    nameKnown(entityName, entityId, name) {
      for (const shown of list.querySelectorAll('[data-unnamed]')) {
        if (shown.dataset.unnamed !== `${entityName} ${entityId}`) continue
        shown.textContent = name
        delete shown.dataset.unnamed
      }
    },
  }
}
