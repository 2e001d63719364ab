// What has to hold wherever the packages run. Nothing but the language and the Web's own objects, so that
// one file is run by Node, Bun, Deno and workerd, as ES module, CommonJS module and bundle.

const clockAt = (seconds) => ({ now: () => seconds * 1000, schedule: () => () => {} })
const bytesOf = (base64) => Uint8Array.from(atob(base64), (character) => character.charCodeAt(0))

/**
 * Runs everything.
 *
 * @returns {Promise<{ passed: number, failures: string[] }>}
 */
export async function conformance({ signature, receiver, testing, vectors }) {
  const failures = []
  let passed = 0

  async function check(name, body) {
    try {
      await body()
      passed++
    } catch (error) {
      failures.push(`${name}: ${error?.stack ?? error}`)
    }
  }

  function equal(actual, expected) {
    const [one, other] = [JSON.stringify(actual), JSON.stringify(expected)]
    if (one !== other) throw new Error(`${one} instead of ${other}`)
  }

  async function refused(verify, code) {
    let outcome
    try {
      outcome = await verify()
    } catch (error) {
      if (!receiver.WebhookVerificationError.is(error)) throw error
      return equal(error.code, code)
    }
    throw new Error(`accepted: ${JSON.stringify(outcome)}`)
  }

  for (const { name, signWith, verifyWith, id, timestamp, body, signature: signed } of vectors.official) {
    const headers = { 'webhook-id': id, 'webhook-timestamp': String(timestamp), 'webhook-signature': signed }
    await check(`signs ${name}`, async () =>
      equal(await signature.createSigner(signWith).sign({ id, timestamp, body }), signed),
    )
    await check(`verifies ${name}`, async () => {
      const verifier = signature.createVerifier({ secrets: verifyWith, clock: clockAt(timestamp) })
      equal((await verifier.verify(body, new Headers(headers))).id, id)
    })
    if (!signWith.startsWith('whsec_')) continue
    await check(`signs and verifies at once ${name}`, () => {
      equal(signature.createSyncSigner(signWith).sign({ id, timestamp, body }), signed)
      const verifier = signature.createSyncVerifier({ secrets: verifyWith, clock: clockAt(timestamp) })
      equal(verifier.verify(body, headers).id, id)
    })
  }

  const ways = {
    createVerifier: signature.createVerifier,
    createSyncVerifier: signature.createSyncVerifier,
  }
  for (const [way, create] of Object.entries(ways)) {
    const { secret, now, body, cases } = vectors.refused
    const verifier = create({ secrets: secret, clock: clockAt(now) })
    for (const { name, headers: stored, code } of cases) {
      const headers = {}
      for (const [header, value] of Object.entries(stored)) {
        const isRecipe = typeof value === 'object' && value !== null && 'times' in value
        headers[header] = isRecipe ? value.repeat.repeat(value.times) + value.then : value
      }
      await check(`${way} refuses ${name}`, () => refused(async () => verifier.verify(body, headers), code))
    }
    const bodies = vectors.bodies
    const bodyVerifier = create({ secrets: bodies.secret, clock: clockAt(bodies.now) })
    const verifyBody = async ({ body: base64, signature: signed }) =>
      bodyVerifier.verify(bytesOf(base64), {
        'webhook-id': bodies.id,
        'webhook-timestamp': String(bodies.now),
        'webhook-signature': signed,
      })
    for (const vector of bodies.accepted) {
      await check(`${way} accepts ${vector.name}`, async () =>
        equal((await verifyBody(vector)).id, bodies.id),
      )
    }
    for (const vector of bodies.refused) {
      await check(`${way} refuses ${vector.name}`, () => refused(() => verifyBody(vector), vector.code))
    }
  }

  await check('makes keys and uses them', async () => {
    const { privateKey, publicKey } = await signature.generateKeyPair()
    const secret = signature.generateSecret()
    const message = { id: 'a', timestamp: 1_790_000_000, body: '{}' }
    const signed = await signature.createSigner([secret, privateKey]).sign(message)
    const headers = { 'webhook-id': 'a', 'webhook-timestamp': '1790000000', 'webhook-signature': signed }
    for (const secrets of [secret, publicKey]) {
      const verifier = signature.createVerifier({ secrets, clock: clockAt(1_790_000_000) })
      equal((await verifier.verify('{}', headers)).keyIndex, 0)
    }
  })

  await check('refuses keys that can be forged or guessed', () => {
    const bad = ['', 'whsec_', 'whsec_AAAA', `whpk_${'A'.repeat(43)}=`, `whpk_AQ${'A'.repeat(41)}=`]
    for (const secrets of bad) {
      try {
        signature.createVerifier({ secrets })
      } catch (error) {
        if (error instanceof signature.WebhookKeyError) continue
        throw error
      }
      throw new Error(`accepted ${secrets}`)
    }
  })

  const secret = signature.generateSecret()
  const body = { type: 'File.Create', timestamp: 't', data: { text: 'Grüße 😀' } }
  const post = (message = {}) => testing.signedRequest({ secret, body, ...message })

  await check('receives over fetch, and runs a handler once', async () => {
    const seen = []
    const it = receiver.createReceiver({ secrets: secret, replayStore: receiver.memoryReplayStore() })
    it.on('File.*', (event, context) => {
      seen.push(event.data, context.id, context.headers.get('webhook-id'), context.signal.aborted)
    })
    const statuses = []
    for (const message of [
      { id: 'a' },
      { id: 'a' },
      { secret: signature.generateSecret() },
      { body: 'no' },
    ]) {
      statuses.push((await it.handle(post(message))).status)
    }
    equal(statuses, [204, 200, 401, 400])
    equal(seen, [body.data, 'a', 'a', false])
  })

  await check(
    'answers a failed handler with 500, a long body with 413, another method with 405',
    async () => {
      const it = receiver.createReceiver({ secrets: secret, maxBodyBytes: 1_000 })
      it.on('*', () => {
        throw new Error('no')
      })
      equal((await it.handle(post())).status, 500)
      equal((await it.handle(post({ body: 'x'.repeat(1_001) }))).status, 413)
      equal((await it.handle(new Request('https://consumer.test/'))).status, 405)
    },
  )

  await check('gives the drop-in class', () => {
    const webhook = new receiver.Webhook(secret)
    const text = JSON.stringify(body)
    const headers = testing.signedHeaders({ secret, body: text })
    equal(webhook.verify(text, headers), body)
    const at = new Date(Number(headers['webhook-timestamp']) * 1000)
    equal(webhook.sign(headers['webhook-id'], at, text), headers['webhook-signature'])
  })

  await check('survives JSON that is 200,000 deep', async () => {
    const it = receiver.createReceiver({ secrets: secret })
    const deep = `{"type":"a.b","data":${'['.repeat(200_000)}${']'.repeat(200_000)}}`
    const { status } = await it.handle(post({ body: deep }))
    if (status !== 204 && status !== 400) throw new Error(`answered ${status}`)
    equal((await it.handle(post())).status, 204)
  })

  return { passed, failures }
}
