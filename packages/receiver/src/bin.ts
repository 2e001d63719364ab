import process from 'node:process'
import { runCli } from './cli/run-cli.ts'

const io = {
  env: process.env,
  write: (text: string) => process.stdout.write(text),
  writeError: (text: string) => process.stderr.write(text),
}

// Not awaited here: this file is built as CommonJS too.
runCli(process.argv.slice(2), io).then((code) => {
  process.exitCode = code
})
