/**
 * Whether a path has the one spelling that the portal takes. Another one may be the same path to the portal, and
 * a different one to a proxy or middleware that guards it: dot segments, encoded dots, slashes or letters, double
 * slashes, backslashes, path parameters, bytes that are no UTF-8.
 */
export function isNormalPath(path: string): boolean {
  const [first, ...segments] = path.split('/')
  // A last slash ends in an empty segment, of which there is no other.
  if (segments.at(-1) === '') segments.pop()
  return first === '' && segments.every(isNormalSegment)
}

function isNormalSegment(segment: string): boolean {
  let text: string
  try {
    text = decodeURIComponent(segment)
  } catch {
    return false
  }
  if (text === '' || text === '.' || text === '..' || /[/\\\p{Cc}]/u.test(text)) return false
  // What encodeURIComponent escapes, and a path need not, may come either way.
  return segment.replaceAll(/[$&+,:=@]/g, encodeURIComponent) === encodeURIComponent(text)
}
