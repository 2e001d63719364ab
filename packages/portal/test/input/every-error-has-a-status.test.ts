import { readFileSync } from 'node:fs'
import { EventsError } from '@x/events-core'
import { type WebhookSender, WebhookSenderError, type WebhookSenderErrorCode } from '@x/sender'
import { expect, it } from 'vitest'
import { createPortal } from '../../src/index.ts'
import { openSender } from '../open-sender.ts'

/** The codes as they are declared, so that none is left out here. */
function codesOf(path: string): string[] {
  const source = readFileSync(new URL(`../../../${path}/src/errors.ts`, import.meta.url), 'utf8')
  const union = /type \w+ErrorCode =([^\n]*(?:\n {2}\|[^\n]*)+)/.exec(source)?.[1] ?? ''
  return [...union.matchAll(/'(\w+)'/g)].map(([, code]) => code ?? '')
}

it('answers no error of the packages with 500, and tells of the host nothing but that it failed', async () => {
  await using opened = await openSender()
  const codes = [...codesOf('sender'), ...codesOf('events-engine')]
  expect(codes.length).toBeGreaterThan(40)
  for (const code of codes) {
    const thrown = codesOf('sender').includes(code)
      ? new WebhookSenderError(code as WebhookSenderErrorCode, 'What was wrong.', {
          field: 'url',
          remedy: 'options.secretive opens it.',
        })
      : new EventsError(code, 'options.secretive')
    const endpoints = { ...opened.sender.endpoints, get: () => Promise.reject(thrown) }
    const logged: string[] = []
    const note = () => {}
    const portal = createPortal({
      sender: { ...opened.sender, endpoints } as WebhookSender,
      authorize: () => ({ tenantId: 1, role: 'manager' }),
      logger: { debug: note, info: note, warn: note, error: (_, message) => void logged.push(message) },
    })
    const response = await portal.handle(new Request('http://host/api/endpoints/ep_1'))
    const body = (await response.json()) as { detail: string; field?: string }
    expect.soft([400, 404, 409, 413, 429, 503], code).toContain(response.status)
    expect.soft(body, code).toMatchObject({ code, status: response.status })
    const isOurs = response.status === 503
    expect.soft(logged, code).toHaveLength(isOurs ? 1 : 0)
    if (!isOurs && thrown instanceof WebhookSenderError) expect.soft(body.field, code).toBe('url')
    if (thrown instanceof WebhookSenderError) expect.soft(body.detail, code).not.toContain('secretive')
  }
})
