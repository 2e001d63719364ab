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
  const power = 10 ** Math.max(0, Math.floor(Math.log10(value)))
  const tops = [2, 4, 6, 8, 10, 20].map((factor) => factor * power)
  return tops.find((one) => one >= value) ?? value
}
