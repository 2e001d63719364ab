import { expect, it } from 'vitest'
import { drawn, plotsOf, plottedValue } from '../plots.ts'

const page = (directive: string, ...rows: string[]) =>
  [
    '# Page',
    '',
    `<!-- plot speed: ${directive} -->`,
    '![How fast it is](plots/speed.svg)',
    '',
    '| what | p50 before | p50 | to reach |',
    '| - | - | - | - |',
    ...rows,
    '',
  ].join('\n')

it.each([
  ['1,535 µs', { value: 1535, text: '1,535 µs' }],
  ['1.21 [1.04..1.42]', { value: 1.21, text: '1.21', range: [1.04, 1.42] }],
  ['9 to 13 µs', { value: 11, text: '9 to 13 µs', range: [9, 13] }],
  ['5.6 / 167 ms (**missed**)', { value: 5.6, second: 167, text: '5.6 / 167 ms' }],
  ['21.1 ms, 45.7 ms', { value: 21.1, second: 45.7, text: '21.1 ms, 45.7 ms' }],
  ['0.97, 0.91, 1.10', { value: 0.97, text: '0.97', range: [0.91, 1.1] }],
  ['< 1', { value: 1, text: '< 1' }],
  ['1 (23,599/s)', { value: 1, text: '1' }],
])('reads %s', (cell, value) => {
  expect(plottedValue(cell)).toEqual(value)
})

it('reads what is in parentheses, where that is meant', () => {
  expect(plottedValue('67,941 (3.87 [3.05..6.14])', true)).toEqual({
    value: 3.87,
    text: '3.87',
    range: [3.05, 6.14],
  })
})

it('draws a bar for each cell, as long as its value says, and the value to reach', () => {
  const [plot] = plotsOf(
    page('p50 before; p50; goals', '| a | 40 ms | 10 ms | 5 ms |', '| b |  | 20 ms | |'),
    'p.md',
  )
  expect(plot?.series).toEqual(['p50 before', 'p50'])
  const svg = drawn(plot as NonNullable<typeof plot>)
  const widths = [...svg.matchAll(/width="([\d.]+)" height="12"/g)].map(([, width]) => Number(width))
  expect(widths).toHaveLength(3)
  expect(widths.map((width) => Math.round((width / (widths[0] as number)) * 40))).toEqual([40, 10, 20])
  expect(svg.match(/class="goal" d="M[\d.]+ \d+v16"/g)).toHaveLength(2)
  expect(svg).toContain('<title>How fast it is</title>')
})

it('says which plot names a column that is not there, or has a cell without a value', () => {
  expect(() => plotsOf(page('p99', '| a | 1 | 2 | |'), 'p.md')).toThrow(
    'p.md: plot speed: its table has no column "p99"',
  )
  expect(() => plotsOf(page('p50', '| a | 1 | none | |'), 'p.md')).toThrow(
    '"none" has no value to be plotted',
  )
})
