import { afterEach, beforeEach } from 'vitest'

const methods = ['log', 'info', 'warn', 'error'] as const
const real = new Map(methods.map((name) => [name, console[name]]))
let calls: string[] = []

// Packages report through the logger that they are given; a test that finds something on the
// console has found a forgotten trace, or a warning that a user would see.
beforeEach(() => {
  calls = []
  for (const name of methods) {
    console[name] = (...args: unknown[]) => {
      calls.push(`console.${name}: ${args.map(String).join(' ')}`)
    }
  }
})

afterEach(() => {
  for (const [name, method] of real) console[name] = method
  if (calls.length > 0) throw new Error(`The test wrote to the console:\n${calls.join('\n')}`)
})
