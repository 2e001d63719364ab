import { z } from 'zod'

const MAX_BYTES = 255
// Windows takes these for devices, with any extension; consumers may save files there.
const RESERVED = /^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/i
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it looks for
const FORBIDDEN = /[/\\:\u0000-\u001f\u007f]/

/**
 * Why a name cannot be that of a file or folder, or undefined when it can. Bytes are stored under a
 * key of the host's own, so that no name ever reaches the file system here; but names travel on, to
 * browsers and webhook consumers that do save files under them.
 */
export function whyNoFileName(name: string): string | undefined {
  if (name.trim() === '') return 'must not be empty'
  if (FORBIDDEN.test(name)) return 'must not contain / \\ : or control characters'
  if (name === '.' || name === '..') return 'must not be a path'
  if (/[. ]$/.test(name)) return 'must not end with a full stop or a space'
  if (RESERVED.test(name)) return 'is reserved by some operating systems'
  if (!name.isWellFormed() || Buffer.byteLength(name) > MAX_BYTES) return `must fit in ${MAX_BYTES} bytes`
  return undefined
}

/** A file or folder name, in a JSON body. */
export const fileName = z.string().superRefine((name, context) => {
  const why = whyNoFileName(name)
  if (why) context.addIssue({ code: 'custom', message: why })
})
