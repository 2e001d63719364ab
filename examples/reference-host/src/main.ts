import { readConfig } from './config.ts'
import { createLogger } from './host/logger.ts'
import { startMetrics } from './host/metrics.ts'
import { openHost } from './host/open-host.ts'

/** The engine and the sender wait 10 s each for what they have under way, and at the same time. */
const CLOSE_WITHIN_MS = 28_000

try {
  const config = readConfig(process.env)
  const host = await openHost(config, createLogger(config.logLevel), {
    showMetrics: startMetrics(),
  })
  let isClosing = false
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, async () => {
      // The second time, somebody does not want to wait for what is under way.
      if (isClosing) process.exit(1)
      isClosing = true
      // Whatever hangs does not keep the process: an operator's next signal would be SIGKILL.
      setTimeout(() => process.exit(1), config.shutdownDelayMs + CLOSE_WITHIN_MS).unref()
      await host.close()
    })
  }
  if (config.adminToken === undefined && host.isAdminTokenGood) console.log(`Admin token: ${host.adminToken}`)
  console.log(`The host is ready at ${host.url}`)
} catch (error) {
  console.error(`The host cannot start.\n${error instanceof Error ? error.message : error}`)
  process.exitCode = 1
}
