/** Shows a step while it runs, and that it was seen. */
export interface Steps {
  /**
   * Runs one step within its time.
   *
   * @param work - answers what was seen, in a few words.
   */
  step(title: string, timeoutMs: number, work: () => Promise<string>): Promise<void>
}

/** @param print - gets each line. */
export function createSteps(print: (line: string) => void): Steps {
  let count = 0
  return {
    async step(title, timeoutMs, work) {
      count += 1
      const startedAt = performance.now()
      const seconds = () => `${((performance.now() - startedAt) / 1_000).toFixed(2)} s`
      let timer: NodeJS.Timeout | undefined
      const tooLate = new Promise<never>((_resolve, reject) => {
        timer = setTimeout(reject, timeoutMs, new Error(`Not seen within ${timeoutMs / 1_000} s.`))
      })
      try {
        const seen = await Promise.race([work(), tooLate])
        print(`✓ ${count}. ${title} (${seconds()})`)
        for (const line of seen.split('\n')) print(`     ${line}`)
      } catch (error) {
        print(`✗ ${count}. ${title} (${seconds()})`)
        throw error
      } finally {
        clearTimeout(timer)
      }
    },
  }
}
