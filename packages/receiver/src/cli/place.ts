import { readFile, rename, writeFile } from 'node:fs/promises'
import process from 'node:process'
import { type CliIo, UsageError } from './cli-io.ts'

/** How far the messages of an endpoint were read. */
export interface Place {
  /** Undefined at the beginning. */
  readonly after: string | undefined
  /** Keeps it, where there is a file for it. */
  move(after: string): Promise<void>
}

const CURSOR = /^(?:0|[1-9]\d{0,15})$/

/** What {@link openPlace} was asked for with. */
export interface WantedPlace {
  /** The endpoint's messages. */
  readonly url: string
  /** Where to begin, unless the file has a place already: a command that is started again goes on there. */
  readonly after: string | undefined
  /** Undefined to forget the place with the process. */
  readonly file: string | undefined
  /** Where to begin when neither says. */
  readonly start?: 'latest' | undefined
}

/**
 * Where to read on.
 *
 * @throws UsageError
 */
export async function openPlace({ url, after, file, start }: WantedPlace, io: CliIo): Promise<Place> {
  if (after !== undefined && after !== 'latest' && !CURSOR.test(after)) {
    throw new UsageError(`--after must be the number of a message, or latest; got ${after}`)
  }
  const kept = file === undefined ? undefined : await keptIn(file, url)
  if (kept !== undefined && after !== undefined && after !== kept) {
    io.writeError(
      `Going on after ${kept}, as ${file} says, and not after ${after}; delete it to begin there.\n`,
    )
  }
  let current = kept ?? after ?? start
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
