import { z } from 'zod'

const MAX_BYTES = 255
// Windows takes these for devices, with any extension and with spaces before it; consumers may save files there.
const RESERVED = /^(con|prn|aux|nul|conin\$|conout\$|clock\$|com\d|lpt\d) *(\.|$)/i
const FORBIDDEN = /[/\\:\p{Cc}]/u
// Marks that turn the direction of text, joiners, fillers, tags: what is shown is not what the name is.
const INVISIBLE = /[\p{Cf}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800]/u
// Whatever of Unicode looks empty: a name must not end, or begin, with what nobody sees.
const EDGE = /^\s|[\s.]$/u

/**
 * Why a name cannot be that of a file or folder, or undefined when it can. Bytes are stored under a
 * key of the host's own, so that no name ever reaches the file system here; but names travel on, to
 * browsers and webhook consumers that do save files under them.
 */
export function whyNoFileName(name: string): string | undefined {
  if (!name.isWellFormed() || Buffer.byteLength(name) > MAX_BYTES) return `must fit in ${MAX_BYTES} bytes`
  if (name.trim() === '') return 'must not be empty'
  if (name === '.' || name === '..') return 'must not be a path'
  if (EDGE.test(name)) return 'must not begin with a space, or end with a full stop or a space'
  if (INVISIBLE.test(name))
    return 'must not contain invisible characters, or any that turn the direction of text'
  // Windows, and whoever else simplifies names, reads COM¹ as COM1, and a wide slash as a slash.
  const simple = name.normalize('NFKC')
  if (FORBIDDEN.test(name) || /[/\\]/.test(simple)) return 'must not contain / \\ : or control characters'
  if (RESERVED.test(name) || RESERVED.test(simple.trimStart())) return 'is reserved by some operating systems'
  return undefined
}

/** A file or folder name, in a JSON body. */
export const fileName = z.string().superRefine((name, context) => {
  const why = whyNoFileName(name)
  if (why) context.addIssue({ code: 'custom', message: why })
})
