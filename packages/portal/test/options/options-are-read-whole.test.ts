import { silentLogger } from '@x/events-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { PortalUser } from '../../src/authorize.ts'
import { expressPortal } from '../../src/express.ts'
import { fastifyPortal } from '../../src/fastify.ts'
import { honoPortal } from '../../src/hono.ts'
import { createGuessLimit, createPortal, type PortalOptions } from '../../src/index.ts'
import { type OpenSender, openSender } from '../open-sender.ts'

const ADA: PortalUser = { tenantId: 1, role: 'manager', name: 'Ada' }
const SECRET = 'a secret that is long enough to be one'
const authorize = () => ADA

let opened: OpenSender
beforeAll(async () => {
  opened = await openSender()
})
afterAll(() => opened[Symbol.asyncDispose]())

const mounts = {
  createPortal: (options: unknown) => createPortal(options as never),
  expressPortal: (options: unknown) => expressPortal(options as never),
  fastifyPortal: (options: unknown) => fastifyPortal(options as never),
  honoPortal: (options: unknown) => honoPortal(options as never),
}
type MountName = keyof typeof mounts
const mountNames = Object.keys(mounts) as MountName[]

/** What every framework takes. */
const partsOf = (name: MountName) => ({
  sender: opened.sender,
  authorize,
  ...(name === 'honoPortal' ? { basePath: '/portal' } : {}),
})

describe.each(mountNames)('%s', (name) => {
  const mount = mounts[name]

  it.each([
    ['no options', undefined, 'undefined'],
    ['null', null, 'null'],
    ['a list', [], 'a list of 0'],
    ['a number', 5, '5'],
    ['an object of another kind', new Map(), 'an object'],
  ])('refuses %s', (_, options, got) => {
    expect(() => mount(options)).toThrow(
      new TypeError(`The portal's options must be a plain object; got ${got}.`),
    )
  })

  it.each([
    ['autorize', { autorize: authorize }],
    ['signin', { signin: { userOf: () => ADA, secret: SECRET } }],
    ['toString', { toString: 5 }],
    ['signIn.label_', { signIn: { userOf: () => ADA, secret: SECRET, label_: 'Key' } }],
    ['links.portalUrl', { links: { secret: SECRET, portalUrl: 'https://app.example.com' } }],
    ['theme.colour', { theme: { colour: '#fff' } }],
  ])('refuses a name that it does not know: %s', (option, more) => {
    expect(() => mount({ ...partsOf(name), ...more })).toThrow(
      new RegExp(`The portal's ${option} must be left out, since there is none of that name; there are `),
    )
  })

  it.each([
    ['sender', undefined],
    ['sender', {}],
    ['authorize', undefined],
    ['authorize', ADA],
    ['clientOf', '127.0.0.1'],
    ['engine', null],
    ['engine', {}],
    ['guessLimit', null],
    ['guessLimit', 60],
    ['logger', null],
    ['logger', { error() {} }],
    ['signal', new AbortController()],
    ['credentialHeaders', 'authorization'],
    ['credentialHeaders', ['']],
    ['challenge', null],
    ['challenge', ''],
    ['frameAncestors', "'self'"],
    ['frameAncestors', [5]],
    ['theme', null],
    ['theme', []],
    ['links', null],
    ['links', true],
    ['links.secret', { url: 'https://app.example.com' }],
    ['links.secret', { secret: 5 }],
    ['signIn', null],
    ['signIn', () => ADA],
    ['signIn.userOf', { secret: SECRET }],
    ['signIn.secret', { userOf: () => ADA, secret: { length: 99 } }],
    ['signIn.lifetimeSeconds', { userOf: () => ADA, secret: SECRET, lifetimeSeconds: Number.NaN }],
    ['signIn.label', { userOf: () => ADA, secret: SECRET, label: 5 }],
    ['locale', null],
    ['keysUrl', null],
  ])('refuses a %s that cannot be used: %j', (option, value) => {
    const [first = ''] = option.split('.')
    const create = () => mount({ ...partsOf(name), [first]: value })
    expect(create).toThrow(TypeError)
    expect(create).toThrow(`The portal's ${option} must be`)
  })

  it('tells no secret', () => {
    const secret = Object.assign([SECRET], { length: 99 })
    expect(() => mount({ ...partsOf(name), links: { secret } })).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining('long enough') }),
    )
  })

  it('takes all options that there are', () => {
    mount({
      ...partsOf(name),
      engine: opened.engine,
      signIn: { userOf: () => undefined, secret: new Uint8Array(32), lifetimeSeconds: 60, label: 'Key' },
      keysUrl: 'https://app.example.com/.well-known/webhook-keys',
      links: { url: 'https://app.example.com/portal', secret: SECRET },
      signal: new AbortController().signal,
      guessLimit: createGuessLimit(),
      credentialHeaders: ['authorization', 'x-api-key'],
      challenge: 'Bearer realm="app"',
      logger: silentLogger,
      frameAncestors: ["'self'"],
      theme: { name: 'Example', logo: undefined, accent: '#4338ca', colorScheme: 'dark' },
      locale: 'de',
      clientOf: () => undefined,
    })
  })
})

it.each(['createPortal', 'honoPortal'] as const)('%s refuses a path that no request has', (name) => {
  for (const basePath of ['portal', null, 5]) {
    expect(() => mounts[name]({ ...partsOf(name), basePath })).toThrow("The portal's basePath must be")
  }
})

it('honoPortal needs its path', () => {
  expect(() => mounts.honoPortal({ sender: opened.sender, authorize })).toThrow("The portal's basePath must")
})

it('expressPortal and fastifyPortal know theirs, and refuse one', () => {
  for (const name of ['expressPortal', 'fastifyPortal'] as const) {
    expect(() => mounts[name]({ ...partsOf(name), basePath: '/portal' })).toThrow('basePath must be left out')
  }
})

describe('createGuessLimit', () => {
  it.each([
    [null, 'options must be a plain object; got null'],
    [5, 'options must be a plain object; got 5'],
    [[], 'options must be a plain object'],
    [{ perClinet: 3 }, 'options.perClinet must be left out'],
    [{ clock: null }, 'options.clock must be'],
    [{ clock: {} }, 'options.clock must be an object with the methods now'],
  ])('refuses %j', (options, message) => {
    expect(() => createGuessLimit(options as never)).toThrow(TypeError)
    expect(() => createGuessLimit(options as never)).toThrow(`createGuessLimit: ${message}`)
  })

  it.each([
    [undefined, 'guess must be a plain object'],
    [null, 'guess must be a plain object'],
    ['a token', 'guess must be a plain object'],
    [{ clinet: 'a', credential: 'x' }, 'guess.clinet must be left out'],
    [{ client: null, credential: 'x' }, 'guess.client must be'],
    [{ client: 5, credential: 'x' }, 'guess.client must be a text, or undefined; got 5'],
    [{ client: 'a', credential: undefined }, 'guess.credential must be a text'],
  ])('does not look at the guess %j', async (guess, message) => {
    let isAsked = false
    const found = createGuessLimit().find(guess as never, async () => {
      isAsked = true
      return ADA
    })
    await expect(found).rejects.toThrow(`guessLimit.find: ${message}`)
    expect(isAsked).toBe(false)
  })
})

describe('links', () => {
  const open = () =>
    createPortal({
      sender: opened.sender,
      authorize,
      links: { url: 'https://app.example.com', secret: SECRET },
    })

  it.each([
    [undefined, 'options must be a plain object; got undefined'],
    [null, 'options must be a plain object; got null'],
    [1, 'options must be a plain object; got 1'],
    [{ tenantId: 1, role: 'viewer', expiresInSecond: 60 }, 'expiresInSecond must be left out'],
  ])('are not made with %j', async (asked, message) => {
    await expect(open().createLink(asked as never)).rejects.toMatchObject({
      code: 'invalid_link',
      message: expect.stringContaining(`createLink: ${message}`),
    })
  })

  it.each([
    [undefined, 'options must be a plain object; got undefined'],
    [null, 'options must be a plain object; got null'],
    [{ tenant: 1 }, 'tenant must be left out'],
    [{ tenantId: '1' }, 'tenantId must be the id of one tenant'],
  ])('are not revoked with %j', async (whose, message) => {
    await expect(open().revokeLinks(whose as never)).rejects.toMatchObject({
      code: 'invalid_link',
      message: expect.stringContaining(`revokeLinks: ${message}`),
    })
  })
})

describe('clientOf', () => {
  async function ask(clientOf: PortalOptions['clientOf']) {
    const errors: string[] = []
    const portal = createPortal({
      sender: opened.sender,
      authorize: (request) => (request.headers.get('authorization') === 'Bearer right' ? ADA : undefined),
      guessLimit: createGuessLimit({ perClient: 1 }),
      clientOf,
      logger: { ...silentLogger, error: (details) => errors.push(String((details as { err: Error }).err)) },
    })
    const statuses: number[] = []
    for (const authorization of ['Bearer wrong', 'Bearer right']) {
      const request = new Request('http://host.example/api/endpoints', { headers: { authorization } })
      statuses.push((await portal.handle(request)).status)
    }
    return { statuses, errors }
  }

  it('may give a promise, and counts by what it gives', async () => {
    expect(await ask(async () => '192.0.2.1')).toEqual({ statuses: [401, 429], errors: [] })
    expect(await ask(async () => undefined)).toEqual({ statuses: [401, 200], errors: [] })
  })

  it.each([[null], [5], [{}]])('is named in the log where it gives %j', async (client) => {
    const { statuses, errors } = await ask(() => client as never)
    expect(statuses).toEqual([500, 500])
    expect(errors[0]).toContain('clientOf must give where a request comes from, a text, or undefined; got ')
  })

  it('is told of in the log where it fails', async () => {
    const { statuses, errors } = await ask(() => Promise.reject(new Error('no address here')))
    expect(statuses).toEqual([500, 500])
    expect(errors[0]).toContain('no address here')
  })
})
