import { duration } from '../format.ts'
import { Axis, niceTop, TimeLabels } from './chart-axis.tsx'

/** Values over time; undefined where there is none. */
export interface Line {
  readonly className: string
  readonly values: readonly (number | undefined)[]
}

interface LineChartProps {
  readonly lines: readonly Line[]
  readonly labels: readonly string[]
  /** What the chart says, for whoever cannot see it. */
  readonly summary: string
}

const WIDTH = 640
const HEIGHT = 120
const LEFT = 66
const BOTTOM = 20

/** Milliseconds over time. */
export function LineChart({ lines, labels, summary }: LineChartProps) {
  const known = lines.flatMap(({ values }) => values.filter((value) => value !== undefined))
  const top = niceTop(Math.max(1, ...known))
  const step = (WIDTH - LEFT) / Math.max(1, labels.length)
  const place = (value: number, index: number) =>
    `${(LEFT + (index + 0.5) * step).toFixed(1)} ${(HEIGHT - (value / top) * HEIGHT).toFixed(1)}`
  return (
    <svg className="chart" viewBox={`0 -8 ${WIDTH} ${HEIGHT + BOTTOM + 8}`} role="img" aria-label={summary}>
      <Axis
        top={top}
        text={(value) => (value === 0 ? '0' : duration(value))}
        height={HEIGHT}
        width={WIDTH}
        left={LEFT}
      />
      {lines.map(({ className, values }) => (
        <path key={className} className={`line ${className}`} d={pathOf(values, place)} />
      ))}
      <TimeLabels labels={labels} y={HEIGHT + 15} left={LEFT} width={WIDTH} />
    </svg>
  )
}

/** A line through the values; where there is none, it ends, and begins anew. A lone one becomes a dot. */
function pathOf(
  values: readonly (number | undefined)[],
  place: (value: number, index: number) => string,
): string {
  let path = ''
  values.forEach((value, index) => {
    if (value === undefined) return
    const isFirst = values[index - 1] === undefined
    const isLone = isFirst && values[index + 1] === undefined
    path += `${isFirst ? 'M' : 'L'}${place(value, index)}${isLone ? 'h0.01' : ''}`
  })
  return path
}
