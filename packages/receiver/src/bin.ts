import process from 'node:process'
import { runCli } from './cli/run-cli.ts'

const io = {
  env: process.env,
  write: (text: string) => process.stdout.write(text),
  print: (text: string) =>
    new Promise<void>((resolve, reject) => {
      process.stdout.write(text, (error) => (error ? reject(error) : resolve()))
    }),
  writeError: (text: string) => process.stderr.write(text),
}

// Whoever reads the output may have ended: what was written then is known by its callback.
process.stdout.on('error', () => {})

// Not awaited here: this file is built as CommonJS too.
runCli(process.argv.slice(2), io).then((code) => {
  process.exitCode = code
})
