import { number } from '../format.ts'
import { t } from '../preferences.ts'
import { Axis, niceTop, TimeLabels } from './chart-axis.tsx'

/** One bar: two values on top of each other. */
export interface Bar {
  readonly key: string
  readonly label: string
  readonly lower: number
  readonly upper: number
}

interface BarChartProps {
  readonly bars: readonly Bar[]
  /** What the chart says, for whoever cannot see it. */
  readonly summary: string
}

const WIDTH = 640
const HEIGHT = 150
const LEFT = 66
const BOTTOM = 20

/** Successes and failures over time. */
export function BarChart({ bars, summary }: BarChartProps) {
  const top = niceTop(Math.max(1, ...bars.map(({ lower, upper }) => lower + upper)))
  const step = (WIDTH - LEFT) / Math.max(1, bars.length)
  const scale = (value: number) => (value / top) * HEIGHT
  return (
    <svg className="chart" viewBox={`0 -8 ${WIDTH} ${HEIGHT + BOTTOM + 8}`} role="img" aria-label={summary}>
      <Axis top={top} text={number} height={HEIGHT} width={WIDTH} left={LEFT} />
      {bars.map(({ key, label, lower, upper }, index) => {
        const x = LEFT + index * step + step * 0.12
        const width = Math.max(3, step * 0.76)
        const part = (className: string, value: number, below: number) =>
          value > 0 && (
            <rect
              className={className}
              x={x}
              y={HEIGHT - scale(below + value)}
              width={width}
              height={scale(value)}
              rx="1"
            />
          )
        return (
          <g key={key}>
            <title>{t.activity.bar(label, lower, upper)}</title>
            {part('succeeded', lower, 0)}
            {part('failed', upper, lower)}
          </g>
        )
      })}
      <TimeLabels labels={bars.map(({ label }) => label)} y={HEIGHT + 15} left={LEFT} width={WIDTH} />
    </svg>
  )
}
