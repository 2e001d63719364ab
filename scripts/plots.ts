// node scripts/plots.ts           looks whether the plots in docs/plots show what the tables of the docs say
// node scripts/plots.ts --write   draws them anew
//
// A plot stands between a comment and the table it is drawn from:
//
//   <!-- plot sender-fifo: six round trips; four; one; goals -->
//   ![what is plotted](plots/sender-fifo.svg)
//
//   | what | six round trips | ...
//
// The names before `;` are those with which the heads of columns begin. Beside them: `log` for a logarithmic axis, `goals` where the
// last column has the values to reach, `goal 1.5` for one of all, `labels 2` where two columns name a row, `pairs p50, p99`
// where a cell has two values, and `inner` where the values are those in parentheses.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import process from 'node:process'
import { documentationPages } from './doc-examples.ts'
import { root } from './setup/paths.mjs'

/** What a cell of a table says: a value, and how far it spreads. */
export interface PlottedValue {
  /** As the cell has it. */
  readonly text: string
  readonly value: number
  /** The second of a pair, as p99 is to p50. */
  readonly second?: number
  readonly range?: readonly [number, number]
}

interface Plot {
  readonly file: string
  readonly title: string
  readonly series: readonly string[]
  readonly rows: readonly { readonly label: string; readonly cells: readonly Bar[] }[]
  readonly isLog: boolean
  /** What the two values of a cell are. */
  readonly pair: readonly string[]
}

interface Bar extends PlottedValue {
  readonly goal: number | undefined
}

const PLOT = /^<!-- plot ([\w-]+): ([^>]*?) -->\n!\[([^\]]+)\]\(([^)]+)\)\n\n((?:\|.*\n)+)/gm
const NUMBER = /\d[\d,]*(?:\.\d+)?/g

const numbersIn = (text: string) =>
  [...text.matchAll(NUMBER)].map(([digits]) => Number(digits.replaceAll(',', '')))
const plain = (text: string) => text.replaceAll(/[`*]/g, '').replaceAll(/\s+/g, ' ').trim()
const middle = (sorted: readonly number[]) => sorted[Math.floor(sorted.length / 2)] as number

/** Reads `1.21 [1.04..1.42]`, `9 to 13 µs`, `5.4 / 18.7 ms`, `0.91, 0.97, 0.98` (of which the median is meant) or `23,599`. */
export function plottedValue(cell: string, isInner = false): PlottedValue {
  const whole = plain(cell)
  const inner = /\((.*)\)/.exec(whole)?.[1] ?? ''
  const text = isInner ? inner : whole.replaceAll(/ ?\([^)]*\)/g, '')
  const [before = '', spread] = text.split('[')
  const numbers = numbersIn(before)
  const [first, second] = numbers
  if (first === undefined) throw new Error(`"${cell}" has no value to be plotted`)
  if (spread !== undefined) {
    const [low = first, high = first] = numbersIn(spread)
    return { text: before.trim(), value: first, range: [low, high] }
  }
  if (second === undefined) return { text, value: first }
  if (/ to /.test(text)) return { text, value: (first + second) / 2, range: [first, second] }
  if (numbers.length === 2) return { text, value: first, second }
  const sorted = numbers.toSorted((a, b) => a - b)
  const [low = first] = sorted
  return { text: String(middle(sorted)), value: middle(sorted), range: [low, sorted.at(-1) ?? low] }
}

const cellsOf = (line: string) =>
  line
    .replaceAll(/^\||\|$/g, '')
    .split('|')
    .map((cell) => cell.trim())

/** Reads the plots of a page. */
export function plotsOf(text: string, page: string): Plot[] {
  return [...text.matchAll(PLOT)].map(([, name = '', directive = '', title = '', link = '', table = '']) => {
    const place = `${page}: plot ${name}`
    if (link !== `plots/${name}.svg`) throw new Error(`${place} is to be shown as plots/${name}.svg`)
    const words = directive.split(';').map((word) => word.trim())
    const option = (pattern: RegExp) => words.map((word) => pattern.exec(word)).find(Boolean)
    const isOption = (word: string) => /^(?:log|goals|inner|goal [\d.]+|labels \d|pairs .+)$/.test(word)
    const [head = [], , ...body] = table.trim().split('\n').map(cellsOf)
    const columns = words
      .filter((word) => !isOption(word))
      .map((word) => {
        const titles = head.map(plain)
        const exact = titles.indexOf(word, 1)
        const column = exact > 0 ? exact : titles.findIndex((one, index) => index > 0 && one.startsWith(word))
        if (column === -1) throw new Error(`${place}: its table has no column "${word}"`)
        return column
      })
    const labels = Number(option(/^labels (\d)$/)?.[1] ?? 1)
    const goal = option(/^goal ([\d.]+)$/)?.[1]
    const isInner = words.includes('inner')
    const goalsOf = (row: readonly string[]) => (words.includes('goals') ? numbersIn(row.at(-1) ?? '') : [])
    return {
      file: join(dirname(page), link),
      title,
      series: columns.map((column) => plain(head[column] ?? '').replace(/ \(.*/, '')),
      isLog: words.includes('log'),
      pair: option(/^pairs (.+)$/)?.[1]?.split(', ') ?? [],
      rows: body.map((row) => {
        const goals = goalsOf(row)
        return {
          label: row.slice(0, labels).map(plain).join(', '),
          cells: columns.flatMap((column, index): Bar[] => {
            const cell = row[column] ?? ''
            if (cell === '') return []
            const own = goal === undefined ? (goals[index] ?? goals[0]) : Number(goal)
            return [{ ...plottedValue(cell, isInner), goal: own }]
          }),
        }
      }),
    }
  })
}

const WIDTH = 760
const MAX_LABEL = 58
/** The usual width of a character. */
const EM = 6.6
const BAR = 14
const GAP = 12
const LINE = 20
// Told apart by those who do not see red or green, too.
const COLORS = ['#0072b2', '#e69f00', '#009e73', '#cc79a7'] as const
const STYLE = `text{font:12px system-ui,sans-serif;fill:#24292f}.bg{fill:#fff;stroke:#d0d7de}.axis{stroke:#8c959f;fill:none}.goal{stroke:#cf222e;stroke-width:2}.pair{fill:#57606a}
@media(prefers-color-scheme:dark){text{fill:#e6edf3}.bg{fill:#161b22;stroke:#30363d}.axis{stroke:#6e7681}.goal{stroke:#ff7b72}.pair{fill:#c9d1d9}}`

const escaped = (text: string) =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
const rounded = (value: number) => Math.round(value * 10) / 10

/** Draws a plot of horizontal bars: a row of the table is a group, a column a colour. */
export function drawn({ title, series, rows, isLog, pair }: Plot): string {
  const all = rows.flatMap(({ cells }) => cells)
  const values = all.flatMap(({ value, second, range, goal }) =>
    [value, second, goal, ...(range ?? [])].filter((one) => one !== undefined),
  )
  const most = Math.max(...values)
  const least = Math.min(...values.filter((value) => value > 0)) / 2
  const short = (label: string) => (label.length > MAX_LABEL ? `${label.slice(0, MAX_LABEL - 1)}…` : label)
  const left = Math.max(...rows.map(({ label }) => short(label).length)) * EM + 24
  const width = WIDTH - left - Math.max(...all.map(({ text }) => text.length)) * EM - 24
  const share = (value: number) => (isLog ? Math.log(value / least) / Math.log(most / least) : value / most)
  const at = (value: number) => rounded(left + width * Math.max(0, share(value)))
  const parts: string[] = []
  const hasGoals = all.some(({ goal }) => goal !== undefined)
  const keys: { readonly mark: string; readonly text: string }[] = []
  if (series.length > 1) {
    for (const [index, text] of series.entries()) {
      keys.push({ mark: `<rect width="10" height="10" y="-9" fill="${COLORS[index % 4]}"/>`, text })
    }
  }
  for (const [index, text] of pair.entries()) {
    const opacity = index === 0 ? 0.8 : 0.3
    keys.push({ mark: `<rect class="pair" width="10" height="10" y="-9" opacity="${opacity}"/>`, text })
  }
  if (all.some(({ range }) => range)) {
    keys.push({ mark: '<path class="axis" d="M0-4h12M0-8v8M12-8v8"/>', text: 'range' })
  }
  if (hasGoals) keys.push({ mark: '<path class="goal" d="M5-10v12"/>', text: 'to reach' })
  if (isLog) keys.push({ mark: '', text: 'logarithmic axis' })
  let x = 16
  let y = 24
  for (const { mark, text } of keys) {
    const space = text.length * EM + 40
    if (x + space > WIDTH) {
      x = 16
      y += LINE
    }
    parts.push(`<g transform="translate(${rounded(x)} ${y})">${mark}<text x="17">${escaped(text)}</text></g>`)
    x += space
  }
  y += keys.length > 0 ? GAP : -GAP
  const top = y
  for (const { label, cells } of rows) {
    const height = Math.max(1, cells.length) * BAR
    parts.push(
      `<text x="${rounded(left - 8)}" y="${y + height / 2 + 4}" text-anchor="end">${escaped(short(label))}</text>`,
    )
    for (const [index, { text, value, second, range, goal }] of cells.entries()) {
      const fill = COLORS[index % 4]
      const middleY = y + BAR / 2 - 1
      const bar = (to: number, opacity: string) =>
        `<rect x="${rounded(left)}" y="${y}" width="${Math.max(1, rounded(at(to) - left))}" height="${BAR - 2}" fill="${fill}"${opacity}/>`
      if (second !== undefined) parts.push(bar(second, ' opacity=".4"'))
      parts.push(bar(value, ''))
      if (range) {
        const [low, high] = range.map(at) as [number, number]
        parts.push(
          `<path class="axis" d="M${low} ${middleY}H${high}M${low} ${middleY - 4}v8M${high} ${middleY - 4}v8"/>`,
        )
      }
      if (goal !== undefined) parts.push(`<path class="goal" d="M${at(goal)} ${y - 2}v${BAR + 2}"/>`)
      const end = at(Math.max(value, second ?? 0, range?.[1] ?? 0))
      const goalAt = goal === undefined ? 0 : at(goal)
      const isInTheWay = goalAt > end && goalAt < end + text.length * EM + 12
      const textAt = rounded((isInTheWay ? goalAt : end) + 6)
      parts.push(`<text x="${textAt}" y="${y + BAR - 3}">${escaped(text)}</text>`)
      y += BAR
    }
    if (cells.length === 0) y += BAR
    y += GAP / 2
  }
  parts.push(`<path class="axis" d="M${rounded(left)} ${top - 3}V${y}"/>`)
  const height = y + GAP
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}"><title>${escaped(title)}</title><style>${STYLE}</style>
<rect class="bg" x=".5" y=".5" width="${WIDTH - 1}" height="${height - 1}" rx="6"/>
${parts.join('\n')}
</svg>
`
}

if (import.meta.main) {
  const writes = process.argv.includes('--write')
  const folder = join(root, 'docs/plots')
  const plots = documentationPages().flatMap((page) => plotsOf(readFileSync(page, 'utf8'), page))
  const isNow = (file: string, svg: string) => existsSync(file) && readFileSync(file, 'utf8') === svg
  const files = new Map(plots.map((plot) => [plot.file, drawn(plot)]))
  const left = readdirSync(folder).map((name) => join(folder, name))
  const wrong = [
    ...[...files].flatMap(([file, svg]) => (isNow(file, svg) ? [] : [file])),
    ...left.filter((file) => !files.has(file)),
  ]
  for (const file of writes ? wrong : []) {
    const svg = files.get(file)
    mkdirSync(dirname(file), { recursive: true })
    if (svg === undefined) rmSync(file)
    else writeFileSync(file, svg)
  }
  if (wrong.length > 0 && !writes) {
    const names = wrong.map((file) => relative(root, file)).join(', ')
    console.error(`Not as the tables of the docs say: ${names}. Draw them: node scripts/plots.ts --write`)
    process.exitCode = 1
  }
}
