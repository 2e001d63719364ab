const WIDTH = 96
const HEIGHT = 20

interface SparklineProps {
  readonly hours: readonly { readonly succeeded: number; readonly failed: number }[]
}

/** Successes and failures by the hour, in little; what it shows stands beside it as text. */
export function Sparkline({ hours }: SparklineProps) {
  const top = Math.max(1, ...hours.map(({ succeeded, failed }) => succeeded + failed))
  const step = WIDTH / hours.length
  return (
    <svg className="sparkline chart" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} aria-hidden="true">
      <line className="grid" x1="0" x2={WIDTH} y1={HEIGHT - 0.5} y2={HEIGHT - 0.5} />
      {hours.map(({ succeeded, failed }, index) => {
        const [good, bad] = [(succeeded / top) * HEIGHT, (failed / top) * HEIGHT]
        return (
          // biome-ignore lint/suspicious/noArrayIndexKey: an hour is its place in the row
          <g key={index}>
            <rect
              className="succeeded"
              x={index * step + 0.5}
              y={HEIGHT - good}
              width={step - 1}
              height={good}
            />
            <rect
              className="failed"
              x={index * step + 0.5}
              y={HEIGHT - good - bad}
              width={step - 1}
              height={bad}
            />
          </g>
        )
      })}
    </svg>
  )
}
