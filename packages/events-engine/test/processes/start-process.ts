import { startProcess as start, type TestProcess } from '@x/testkit'

export type { TestProcess }

/** @param program - the name of a file in this folder. */
export function startProcess(program: string, ...args: string[]): TestProcess {
  return start(new URL(program, import.meta.url), ...args)
}
