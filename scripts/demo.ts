// The main job, from a file's download to a verified webhook and through a crash, with host and
// consumer as separate processes. Ends with 0 only if every step was seen to happen.
import { createSteps } from './demo/run-steps.ts'
import { type Stage, setStage } from './demo/stage.ts'
import { tellStory } from './demo/story.ts'

const startedAt = performance.now()
const print = (line: string) => console.log(line)

let stage: Stage | undefined
let isEnding = false

async function end(code: number): Promise<void> {
  if (isEnding) return
  isEnding = true
  await stage?.clear()
  process.exit(code)
}
process.on('SIGINT', () => void end(130))
process.on('SIGTERM', () => void end(143))

try {
  print(
    'Starting a host and a consumer, each a process of its own, with their data in a temporary folder ...',
  )
  stage = await setStage()
  print(`  host ${stage.hostUrl}, consumer ${stage.consumerUrl}\n`)
  await tellStory(stage, createSteps(print))
  const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1)
  print(`\nEvery step was seen to happen, in ${seconds} s.`)
  await end(0)
} catch (error) {
  if (!isEnding) {
    console.error(`\nThe demo has failed: ${error instanceof Error ? error.message : error}`)
    if (stage) console.error(stage.logs())
  }
  await end(1)
}
