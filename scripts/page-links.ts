/** A link of a page to another file of the repository. */
export interface PageLink {
  /** Counted from 1. */
  readonly line: number
  readonly target: string
}

const LINK = /!?\[(?:[^\]\\]|\\.)*\]\(([^()\s]+(?:\([^()]*\)[^()\s]*)*)\)/g
const HAS_SCHEME = /^[a-z][a-z\d+.-]*:/i

/** The lines of a page that are neither code nor comment; the others are empty. */
function prose(text: string): string[] {
  let fence: string | undefined
  let isComment = false
  return text.split('\n').map((line) => {
    const [, mark] = /^\s*(`{3,})/.exec(line) ?? []
    if (fence !== undefined) {
      if (line.trim() === fence) fence = undefined
      return ''
    }
    if (mark !== undefined) {
      fence = mark
      return ''
    }
    if (line.startsWith('<!--')) isComment = true
    const shown = isComment ? '' : line
    if (line.includes('-->')) isComment = false
    return shown
  })
}

/** The relative links of a page. */
export function linksOf(text: string): PageLink[] {
  return prose(text).flatMap((line, index) =>
    [...line.replaceAll(/`[^`]*`/g, (code) => code.replaceAll(/[[\]()]/g, ' ')).matchAll(LINK)]
      .map(([, target = '']) => ({ line: index + 1, target }))
      .filter(({ target }) => !HAS_SCHEME.test(target)),
  )
}

/** What a heading is linked to by: as on GitHub. */
export function slugOf(heading: string): string {
  return heading
    .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
    .trim()
    .replaceAll(/\s/g, '-')
}

/** The anchors of a page's headings. */
export function anchorsOf(text: string): ReadonlySet<string> {
  const found = new Set<string>()
  for (const line of prose(text)) {
    const [, heading] = /^#{1,6}\s+(.*?)\s*#*$/.exec(line) ?? []
    if (heading === undefined) continue
    const slug = slugOf(heading)
    let name = slug
    for (let count = 1; found.has(name); count++) name = `${slug}-${count}`
    found.add(name)
  }
  return found
}
