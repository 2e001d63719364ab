import { WebhookVerificationError } from '@x/signature'

/** An element of XML: its name without a prefix, and what is in it. */
export interface XmlElement {
  readonly name: string
  /** By name, with prefixes as they are. */
  readonly attributes: Readonly<Record<string, string>>
  readonly children: readonly XmlElement[]
  /** The text between its children, joined. */
  readonly text: string
}

interface OpenElement extends XmlElement {
  readonly tag: string
  readonly children: XmlElement[]
  text: string
}

const NAME = '[A-Za-z_][\\w.-]*(?::[A-Za-z_][\\w.-]*)?'
const ATTRIBUTES = `((?:\\s+${NAME}\\s*=\\s*(?:"[^"<]*"|'[^'<]*'))*)\\s*`
/** A tag, a comment, a CDATA section, or text; nothing else. */
const TOKEN = new RegExp(
  `<(${NAME})${ATTRIBUTES}(/?)>|</(${NAME})\\s*>|<!--[^]*?-->|<!\\[CDATA\\[([^]*?)\\]\\]>|([^<]+)`,
  'y',
)
const ATTRIBUTE = new RegExp(`(${NAME})\\s*=\\s*(?:"([^"<]*)"|'([^'<]*)')`, 'g')
const DECLARATION = /^\ufeff?\s*(?:<\?xml[^<>?]*\?>)?/
const MAX_DEPTH = 32
const ENTITIES: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" }

/**
 * Reads the part of XML that messages of SOAP are written in: elements, attributes and text. A document type, and with
 * it every entity of its own making, is refused.
 *
 * @throws WebhookVerificationError (`invalid_body`)
 */
export function parseXml(text: string): XmlElement {
  const root: OpenElement = { tag: '', name: '', attributes: {}, children: [], text: '' }
  const open = [root]
  TOKEN.lastIndex = DECLARATION.exec(text)?.[0].length ?? 0
  while (TOKEN.lastIndex < text.length) {
    const [token, tag, attributes = '', isEmpty, closed, cdata, plain] = TOKEN.exec(text) ?? []
    const parent = open.at(-1)
    if (token === undefined || !parent) throw invalid()
    if (tag !== undefined) {
      const element = {
        tag,
        name: localName(tag),
        attributes: attributesOf(attributes),
        children: [],
        text: '',
      }
      parent.children.push(element)
      if (isEmpty === '') open.push(element)
      if (open.length > MAX_DEPTH) throw invalid()
    } else if (closed !== undefined) {
      if (parent.tag !== closed || open.length === 1) throw invalid()
      open.pop()
    } else {
      parent.text += cdata ?? withoutEntities(plain ?? '')
    }
  }
  const [element, ...others] = root.children
  if (!element || others.length > 0 || open.length > 1 || root.text.trim() !== '') throw invalid()
  return element
}

/** The first child of a name, along a path. */
export function childOf(element: XmlElement | undefined, ...path: readonly string[]): XmlElement | undefined {
  let current = element
  for (const name of path) current = current?.children.find((child) => child.name === name)
  return current
}

function localName(tag: string): string {
  return tag.slice(tag.indexOf(':') + 1)
}

function attributesOf(text: string): Readonly<Record<string, string>> {
  const found = [...text.matchAll(ATTRIBUTE)].map(([, name = '', quoted, apostrophed]) => {
    return [name, withoutEntities(quoted ?? apostrophed ?? '')] as const
  })
  return Object.fromEntries(found)
}

function withoutEntities(text: string): string {
  return text.replace(/&(?:#x([0-9a-f]{1,6})|#(\d{1,7})|(\w{1,10}));|&/gi, (_all, hex, decimal, name) => {
    const code = hex ? Number.parseInt(hex, 16) : Number(decimal)
    if (name === undefined && code > 0 && code <= 0x10ffff) return String.fromCodePoint(code)
    const character = name === undefined || !Object.hasOwn(ENTITIES, name) ? undefined : ENTITIES[name]
    if (character === undefined) throw invalid()
    return character
  })
}

function invalid(): WebhookVerificationError {
  return new WebhookVerificationError('invalid_body', 'The body is not the XML of a message.')
}
