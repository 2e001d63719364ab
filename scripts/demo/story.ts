import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pause, until } from '../hosting/until.ts'
import { root } from '../setup/paths.mjs'
import { actOnDownload } from './act-on-download.ts'
import type { Steps } from './run-steps.ts'
import { signWebhook } from './sign-webhook.ts'
import type { Stage } from './stage.ts'

const FILE = 'LICENSE'

/** Tells the whole story, one step at a time; throws at the first that is not seen to happen. */
export async function tellStory(stage: Stage, { step }: Steps): Promise<void> {
  const { api, tap, consumer } = stage
  let fileId = 0
  let eventId = ''

  /** How often the consumer's handler was called for an event. */
  const handled = (id: string) => consumer.lines.filter((line) => line.startsWith(`received ${id} `)).length

  await step('The consumer is registered in the host, for every event', 5_000, async () => {
    const { id } = await api.addEndpoint(tap.url, stage.secret)
    const registered = await api.endpoints()
    expect(registered.length === 1 && registered[0]?.id === id, 'the endpoint is in the list')
    return `endpoint ${id}`
  })

  await step(`${FILE} goes into the host and comes back byte for byte`, 5_000, async () => {
    const original = await readFile(join(root, FILE))
    const file = await api.uploadFile(join(root, FILE))
    fileId = file.fileId
    const downloaded = await api.downloadFile(fileId)
    eventId = downloaded.eventId
    expect(downloaded.content.equals(original), 'the bytes are the same')
    return `${original.length} bytes, SHA-256 ${createHash('sha256').update(original).digest('hex')}`
  })

  await step('The FileDownloadEventSubscriber has noted the download', 5_000, async () => {
    const noted = await until(async () => {
      const downloads = await api.downloadsOf(fileId)
      return downloads.find((download) => download.eventId === eventId)
    }, 'the download in the host’s log')
    return `${noted.fileName}, event ${noted.eventId}`
  })

  await step('The consumer gets the webhook and verifies it', 10_000, async () => {
    const [line] = await consumer.printed(new RegExp(`^received ${eventId} File.Download.*`))
    return `consumer: ${line}`
  })

  await step('A consumer that is unavailable gets the webhook again', 12_000, async () => {
    const answer = await fetch(new URL('/demo/fail-once', stage.consumerUrl), { method: 'POST' })
    expect(answer.status === 204, 'the consumer was told to fail once')
    const { eventId: id } = await api.downloadFile(fileId)
    await until(() => tap.of(id).length >= 2 && tap.of(id)[1]?.status !== undefined, 'the retry', 11_000)
    const [first, second] = tap.of(id)
    expect(first?.status === 503 && second?.status === 204, `503 and then 204 for ${id}`)
    expect(handled(id) === 1, 'the consumer has handled it once')
    const seconds = (((second?.arrivedAt ?? 0) - (first?.arrivedAt ?? 0)) / 1_000).toFixed(1)
    return `503, then 204 after ${seconds} s (the standard schedule), both with webhook-id ${id}`
  })

  await step('What was tampered with, recorded, or kept too long does not count', 5_000, async () => {
    const [genuine] = tap.of(eventId)
    if (!genuine) throw new Error('The webhook of the first download was not recorded.')
    const { body } = genuine
    const headers = Object.entries(genuine.headers).filter(([name]) => /^(webhook-|content-type)/.test(name))
    const post = (content: Buffer, sent = Object.fromEntries(headers) as Record<string, string>) =>
      fetch(stage.consumerUrl, { method: 'POST', headers: sent, body: new Uint8Array(content) })
    const refusals = () => consumer.lines.filter((line) => line.startsWith('refused '))

    const tampered = await post(Buffer.from(body.toString().replace('"tenantId":1', '"tenantId":2')))
    expect(tampered.status === 401, `the tampered copy is refused; got ${tampered.status}`)
    const old = await post(body, signWebhook(stage.secret, eventId, new Date(Date.now() - 600_000), body))
    expect(old.status === 401, `the old copy is refused; got ${old.status}`)
    const [first, second] = await until(() => refusals().length >= 2 && refusals(), 'both refusals')
    const replayed = await post(body)
    expect(replayed.status === 200, `the replayed copy is acknowledged; got ${replayed.status}`)
    // A message that is handled shows that one before it would have been printed by now.
    const marker = signWebhook(stage.secret, 'evt_marker', new Date(), body)
    expect((await post(body, marker)).status === 204, 'a copy that is really signed anew is handled')
    await consumer.printed(/^received evt_marker /)
    expect(handled(eventId) === 1, 'the consumer has handled the event once')
    return [
      `tampered copy: 401, consumer: ${first}`,
      `copy signed ten minutes ago: 401, consumer: ${second}`,
      'replayed copy: 200, and the handler was not called again',
    ].join('\n')
  })

  await step('The host is killed right after a commit, and nothing is lost', 20_000, async () => {
    const seen: string[] = []
    for (let attempt = 1; attempt <= 5; attempt += 1) {
      let killedAt = 0
      const url = `${stage.hostUrl}/api/File/download/${fileId}`
      const id = await actOnDownload(url, stage.token, () => {
        stage.host.signal('SIGKILL')
        killedAt = performance.now()
      })
      await stage.host.ended
      // What the dead host may have sent would be here by now.
      await pause(300)
      const attemptsBefore = tap.of(id).length
      await stage.restartHost()
      await consumer.printed(new RegExp(`^received ${id} `))
      if (attemptsBefore > 0) {
        seen.push(`(the webhook was quicker than the kill, so once more)`)
        continue
      }
      expect(handled(id) === 1, 'the consumer has handled it once')
      await until(
        async () => (await api.downloadsOf(fileId)).some((noted) => noted.eventId === id),
        'the note',
      )
      const arrivedAt = tap.of(id)[0]?.arrivedAt ?? 0
      seen.push(`killed with ${id} committed and no byte of its webhook sent`)
      seen.push(
        `${((arrivedAt - killedAt) / 1_000).toFixed(1)} s later, from the restarted host: received, and noted by the subscriber`,
      )
      return seen.join('\n')
    }
    throw new Error('Five times, the webhook had gone out before the host could be killed.')
  })

  await step('A change that is rolled back produces nothing', 10_000, async () => {
    expect((await api.addPage('Welcome')) === 201, 'the first page is created')
    await consumer.printed(/^received \S+ Page.Create /)
    await consumer.printed(/^received \S+ Site.Refresh /)
    const before = consumer.lines.length
    expect((await api.addPage('Welcome')) === 409, 'a second page at the same path is refused')
    expect((await api.addPage('Goodbye')) === 201, 'a page elsewhere is created')
    const heard = () => consumer.lines.slice(before).filter((line) => line.startsWith('received '))
    await until(() => heard().length >= 2, 'the webhooks of the page that was created')
    await pause(500)
    const types = heard().map((line) => line.split(' ')[2])
    expect(types.toSorted().join() === 'Page.Create,Site.Refresh', `only the created page is told: ${types}`)
    return `refused with 409 after it was raised; the consumer heard of the next page alone: ${types.join(', ')}`
  })
}

function expect(isTrue: boolean, what: string): void {
  if (!isTrue) throw new Error(`Not so: ${what}.`)
}
