import { readFile, rename, writeFile } from 'node:fs/promises'
import process from 'node:process'
import { UsageError } from './cli-io.ts'

/** How far the messages of an endpoint were read. */
export interface Place {
  /** Undefined at the beginning. */
  readonly after: string | undefined
  /** Keeps it, where there is a file for it. */
  move(after: string): Promise<void>
}

const CURSOR = /^(?:0|[1-9]\d{0,15})$/

/**
 * Where to read on.
 *
 * @param after - where to begin, unless the file says more.
 * @param file - undefined to forget the place with the process.
 * @throws UsageError
 */
export async function openPlace(
  url: string,
  after: string | undefined,
  file: string | undefined,
): Promise<Place> {
  if (after !== undefined && after !== 'latest' && !CURSOR.test(after)) {
    throw new UsageError(`--after must be the number of a message, or latest; got ${after}`)
  }
  let current = file === undefined ? after : ((await keptIn(file, url)) ?? after)
  return {
    get after() {
      return current
    },
    async move(next) {
      if (next === current) return
      current = next
      if (file === undefined) return
      // Replaced as a whole: a process that is killed leaves the one or the other.
      const draft = `${file}.${process.pid}.tmp`
      await writeFile(draft, `${JSON.stringify({ url, after: next })}\n`)
      await rename(draft, file)
    },
  }
}

async function keptIn(file: string, url: string): Promise<string | undefined> {
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
  const kept = parse(text)
  if (typeof kept.after !== 'string' || !CURSOR.test(kept.after)) {
    throw new Error(`${file} is not a file of --state; delete it, or give another one`)
  }
  if (kept.url !== url)
    throw new UsageError(`${file} is the --state of ${kept.url}; give another one for ${url}`)
  return kept.after
}

function parse(text: string): { readonly after?: unknown; readonly url?: unknown } {
  try {
    return Object(JSON.parse(text))
  } catch {
    return {}
  }
}
