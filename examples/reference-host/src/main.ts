import { createLogger } from './composition/create-logger.ts'
import { openHost } from './composition/open-host.ts'
import { readConfig } from './config.ts'

try {
  const config = readConfig(process.env)
  const host = await openHost(config, createLogger(config.logLevel))
  let isClosing = false
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, async () => {
      // The second time, somebody does not want to wait for what is under way.
      if (isClosing) process.exit(1)
      isClosing = true
      await host.close()
    })
  }
  if (config.adminToken === undefined) console.log(`Admin token: ${host.adminToken}`)
  console.log(`The host is ready at ${host.url}`)
} catch (error) {
  console.error(`The host cannot start.\n${error instanceof Error ? error.message : error}`)
  process.exitCode = 1
}
