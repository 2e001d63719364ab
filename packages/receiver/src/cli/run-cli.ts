import { EventsError } from '@x/events-core'
import { type CliIo, UsageError } from './cli-io.ts'
import { listen } from './listen.ts'
import { pull } from './pull.ts'
import { send } from './send.ts'
import { verify } from './verify.ts'

const USAGE = `x-receiver send <url>     sends a signed webhook
  --type <type>           its event type (File.Create)
  --data <json>           its data ({})
  --body <file>           the whole body instead, byte for byte; - reads standard input
  --id <id>               the webhook-id (a new one)
  --timestamp <seconds>   when it was signed (now)
  --header-family <name>  what its headers are called: webhook-... or svix-... (webhook)

x-receiver verify         says whether a captured request verifies, and what is wrong with it
  --body <file>           the body, byte for byte; - reads standard input
  --headers <file>        its headers: lines of "name: value", or a JSON object
  --header <name: value>  one header; may be repeated

x-receiver listen         shows the webhooks that arrive, on this machine only
  --port <port>           where to listen (4100)
  --forward-to <url>      sends verified ones on, unchanged, and answers what is answered there

x-receiver listen --url <url>
                          shows the messages of an events API as they come
  --forward-to <url>      sends each on as it would arrive, in order, until it is answered with 2xx
  --after <number>        the message to go on after (latest)
  --state <file>          keeps the place, so that the next call goes on there, whatever --after says

x-receiver pull --url <url>
                          prints the messages of an events API, one JSON document a line
  --after <number>        the message to go on after, or latest (from the oldest that is left)
  --limit <number>        ends after so many (all that there are)
  --follow                waits for further ones, until it is interrupted
  --state <file>          keeps the place, so that the next call goes on there, whatever --after says

pull, and listen --url:
  --endpoint <ep_...>     whose messages; or --url ends in /endpoints/<endpoint>/messages
  --key <whk_...>         the key of the endpoint; or the environment variable WEBHOOK_KEY, which others on
                          this machine do not see

All of them:
  --secret <whsec_...>    or the environment variable WEBHOOK_SECRET; may be repeated.
                          send signs with whsk_..., the others check with whpk_...;
                          pull, and listen --url, check nothing without it
`

const commands = { send, verify, listen, pull }

/**
 * Runs a command.
 *
 * @returns the exit code: 0 when it worked, 1 when not, 2 when it was called wrongly.
 */
export async function runCli(args: readonly string[], io: CliIo): Promise<number> {
  const [name = '', ...rest] = args
  if (['help', '--help', '-h'].includes(name)) {
    io.write(USAGE)
    return 0
  }
  if (!Object.hasOwn(commands, name)) {
    io.writeError(name ? `There is no command "${name}".\n\n${USAGE}` : USAGE)
    return 2
  }
  try {
    return await commands[name as keyof typeof commands](rest, io)
  } catch (error) {
    if (!(error instanceof Error)) throw error
    io.writeError(`x-receiver ${name}: ${error.message}\n`)
    const isUsage = error instanceof UsageError || EventsError.is(error) || isParseArgsError(error)
    return isUsage ? 2 : 1
  }
}

function isParseArgsError(error: Error): boolean {
  return 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS')
}
