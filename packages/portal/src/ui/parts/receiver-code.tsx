import { useId, useState } from 'react'
import { t } from '../preferences.ts'
import { Code } from './code.tsx'

const FRAMEWORKS = ['Express', 'Fastify', 'Hono', 'Next.js', 'Fetch API'] as const
type Framework = (typeof FRAMEWORKS)[number]

/** Code that receives a type of events, to be copied. */
export function ReceiverCode({ eventType }: { readonly eventType: string }) {
  const [framework, setFramework] = useState<Framework>('Express')
  const name = useId()
  const code = codeFor(framework, eventType)
  return (
    <div className="stack">
      <fieldset className="row">
        <legend className="visually-hidden">{t.receiver.framework}</legend>
        {FRAMEWORKS.map((one) => (
          <label className="check" key={one}>
            <input type="radio" name={name} checked={one === framework} onChange={() => setFramework(one)} />
            {one}
          </label>
        ))}
      </fieldset>
      <Code text={code} label={t.receiver.codeFor(framework)} copy={code} />
      <p className="hint">
        {t.receiver.anyLibrary} <a href="https://www.standardwebhooks.com">Standard Webhooks</a>
      </p>
    </div>
  )
}

function codeFor(framework: Framework, eventType: string): string {
  const receiver = `const receiver = createReceiver({ secrets: process.env.WEBHOOK_SECRET })

receiver.on(${quoted(eventType)}, async (event) => {
  console.log(event.type, event.data)
})
`
  const imports = `import { createReceiver } from '@x/receiver'\n`
  if (framework === 'Express') {
    return `import express from 'express'
${imports}import { webhook } from '@x/receiver/express'

${receiver}
const app = express()
app.post('/hook', webhook(receiver)) // before express.json()
app.listen(3000)
`
  }
  if (framework === 'Fastify') {
    return `import fastify from 'fastify'
${imports}import { webhook } from '@x/receiver/fastify'

${receiver}
const app = fastify()
app.register(webhook(receiver), { prefix: '/hook' })
app.listen({ port: 3000 })
`
  }
  if (framework === 'Hono') {
    return `import { Hono } from 'hono'
${imports}import { webhook } from '@x/receiver/hono'

${receiver}
const app = new Hono()
app.post('/hook', webhook(receiver))
export default app
`
  }
  if (framework === 'Next.js') {
    return `// app/hook/route.ts
${imports}import { webhook } from '@x/receiver/next'

${receiver}
export const POST = webhook(receiver)
`
  }
  return `${imports}
${receiver}
// Wherever requests are those of the web: Workers, Deno, Bun
export default { fetch: (request) => receiver.handle(request) }
`
}

function quoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
}
