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
      <Axis top={top} text={(value) => String(value)} height={HEIGHT} width={WIDTH} left={LEFT} />
      {bars.map(({ key, label, lower, upper }, index) => {
        const x = LEFT + index * step + step * 0.12
        const width = Math.max(2, step * 0.76)
        return (
          <g key={key}>
            <title>{`${label}: ${lower} succeeded, ${upper} failed`}</title>
            {lower > 0 && (
              <rect
                className="succeeded"
                x={x}
                y={HEIGHT - scale(lower)}
                width={width}
                height={scale(lower)}
                rx="1"
              />
            )}
            {upper > 0 && (
              <rect
                className="failed"
                x={x}
                y={HEIGHT - scale(lower + upper)}
                width={width}
                height={scale(upper)}
                rx="1"
              />
            )}
          </g>
        )
      })}
      <TimeLabels labels={bars.map(({ label }) => label)} y={HEIGHT + 15} left={LEFT} width={WIDTH} />
    </svg>
  )
}

interface AxisProps {
  readonly top: number
  readonly text: (value: number) => string
  readonly height: number
  readonly width: number
  readonly left: number
}

/** Three lines to read values by. */
export function Axis({ top, text, height, width, left }: AxisProps) {
  return (
    <g>
      {[0, 0.5, 1].map((share) => {
        const y = height - share * height
        return (
          <g key={share}>
            <line className="grid" x1={left} x2={width} y1={y} y2={y} />
            <text x={left - 6} y={y + 4} textAnchor="end">
              {text(top * share)}
            </text>
          </g>
        )
      })}
    </g>
  )
}

interface TimeLabelsProps {
  readonly labels: readonly string[]
  readonly y: number
  readonly left: number
  readonly width: number
}

/** The first time, the one in the middle, and the last. */
export function TimeLabels({ labels, y, left, width }: TimeLabelsProps) {
  const middle = Math.floor(labels.length / 2)
  return (
    <g>
      <text x={left} y={y}>
        {labels[0]}
      </text>
      <text x={(left + width) / 2} y={y} textAnchor="middle">
        {labels.length > 2 ? labels[middle] : ''}
      </text>
      <text x={width} y={y} textAnchor="end">
        {labels.length > 1 ? labels.at(-1) : ''}
      </text>
    </g>
  )
}

/** An even number at or above a value, so that its half is whole too. */
export function niceTop(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value))
  const nice = [1, 2, 4, 5, 10].map((factor) => factor * power).find((one) => one >= value) ?? value
  return Math.max(2, nice)
}
