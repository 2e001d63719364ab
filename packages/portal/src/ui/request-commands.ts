/** A request as it was sent, or as it is to be sent again. */
export interface SentRequest {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** Linux takes no argument of more than 128 KB; a shell's own `printf` does. */
const MAX_ARGUMENT_LENGTH = 32 * 1024

/** A text as one word of a POSIX shell. */
function shellWord(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`
}

/** A text as a literal of TypeScript. */
function literal(text: string): string {
  const escaped = JSON.stringify(text).slice(1, -1)
  return `'${escaped.replaceAll(String.raw`\"`, '"').replaceAll("'", String.raw`\'`)}'`
}

/** The command that sends a request once more with curl, to the byte, for a POSIX shell. */
export function curlCommand({ url, headers, body }: SentRequest): string {
  const isLong = body.length > MAX_ARGUMENT_LENGTH
  const lines = [
    `${isLong ? `printf %s ${shellWord(body)} | ` : ''}curl --globoff ${shellWord(url)}`,
    // curl leaves a header without a value out, unless a semicolon follows its name.
    ...Object.entries(headers).map(
      ([name, value]) => `--header ${shellWord(value === '' ? `${name};` : `${name}: ${value}`)}`,
    ),
    isLong ? '--data-binary @-' : `--data-raw ${shellWord(body)}`,
  ]
  return lines.join(' \\\n  ')
}

/** The commands that say why a request does or does not verify; they take the secret from `WEBHOOK_SECRET`. */
export function verifyCommand({ headers, body }: SentRequest): string {
  const lines = Object.entries(headers).map(([name, value]) => shellWord(`${name}: ${value}`))
  return `printf '%s\\n' ${lines.join(' \\\n  ')} > headers.txt
printf %s ${shellWord(body)} > body.bin
npx x-receiver verify --headers headers.txt --body body.bin
`
}

/** The commands that send a body with a signature of now, since an old one is refused; the secret is as above. */
export function sendAgainCommand({ url, headers, body }: SentRequest): string {
  return `printf %s ${shellWord(body)} > body.bin
npx x-receiver send ${shellWord(url)} --id ${shellWord(headers['webhook-id'] ?? '')} --body body.bin
`
}

/** A test for `node --test` that gives a receiver a request at the time it was sent; the secret is as above. */
export function receiverTest({ url, headers, body }: SentRequest): string {
  const fields = Object.entries(headers).map(
    ([name, value]) => `      ${literal(name)}: ${literal(value)},\n`,
  )
  return `import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createReceiver } from '@x/receiver'
import { fakeClock } from '@x/receiver/testing'

test(${literal(`receives ${headers['webhook-id'] ?? ''}`)}, async () => {
  const receiver = createReceiver({
    secrets: process.env.WEBHOOK_SECRET ?? '',
    clock: fakeClock(${Number(headers['webhook-timestamp'])}_000),
  })
  const request = new Request(${literal(url)}, {
    method: 'POST',
    headers: {
${fields.join('')}    },
    body: ${literal(body)},
  })
  const response = await receiver.handle(request)
  assert.equal(response.status, 204)
})
`
}
