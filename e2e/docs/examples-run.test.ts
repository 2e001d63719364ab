import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { pageExamples, writeExamples } from '../../scripts/doc-examples.ts'
import { runProgram } from './run-program.ts'

const examples = pageExamples().filter(({ isRun }) => isRun)
let folder: string

beforeAll(() => {
  folder = writeExamples('run', examples)
})

describe('examples in README files and docs', () => {
  let workingFolder: string
  beforeAll(async () => {
    workingFolder = await mkdtemp(join(tmpdir(), 'x-events-docs-'))
  })
  afterAll(() => rm(workingFolder, { recursive: true, force: true }))

  // One after the other, since two examples may listen on the same port.
  it.for(examples)('$title', async ({ fileName }) => {
    const cwd = await mkdtemp(join(workingFolder, 'run-'))
    const { code, output } = await runProgram(join(folder, fileName), cwd)
    expect(code, output).toBe(0)
  })
})
