import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, it } from 'vitest'
import { browserTests, openWindow, violationsOf } from '../src/browser/index.ts'

async function servePage(body: string, policy: string) {
  const server = createServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'text/html', 'content-security-policy': policy })
    response.end(`<!doctype html><html lang="en"><title>A page</title><link rel="icon" href="data:,">${body}`)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

browserTests('a window', (browser) => {
  it('has nothing to say about a page that is well', async () => {
    await using served = await servePage('<main><h1>Well</h1></main>', "default-src 'none'; img-src data:")
    await using window = await openWindow(browser())
    await window.page.goto(served.url)
    expect(await violationsOf(window.page)).toEqual([])
  })

  it('tells of a script that the policy refuses, of an error, and of what a screen reader cannot tell', async () => {
    const body = '<main><h1>Ill</h1><img src="data:,"></main><script>document.title = "ran"</script>'
    await using served = await servePage(body, "default-src 'none'; img-src data:")
    await using window = await openWindow(browser())
    await window.page.goto(served.url)
    expect(await violationsOf(window.page)).toMatchObject([{ rule: 'image-alt' }])
    await window.page.evaluate(() => console.error('an error'))
    const problems = window.takeProblems().join('\n')
    expect(problems).toContain('policy: script-src-elem refused inline')
    expect(problems).toContain('console: an error')
    expect(await window.page.title()).toBe('A page')
  })
})
