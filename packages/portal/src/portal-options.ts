import { type FieldNames, isListOf, type Logger } from '@x/events-core'
import type { WebhookSender } from '@x/sender'
import type { PortalEngine } from './api/subscriptions.ts'
import { assertFields, assertFunction, assertOption } from './assert-option.ts'
import type { GuessLimit } from './guess-limit.ts'
import type { PortalLinkOptions } from './links/link-options.ts'
import type { PageOptions } from './pages/serve-pages.ts'
import type { SignInOptions } from './session/sign-in.ts'
import type { AppearanceOptions } from './theme/theme.ts'

/** What the portal is about, however it is mounted. */
export interface PortalParts extends PageOptions, AppearanceOptions {
  readonly sender: WebhookSender
  /**
   * The host's engine, whose subscriptions operators look after.
   * @defaultValue none: nobody does, here
   */
  readonly engine?: PortalEngine | undefined
  /**
   * Has people sign in with a token, here in the portal.
   * @defaultValue none: the host knows who asks, by its own cookie or header
   */
  readonly signIn?: SignInOptions | undefined
  /**
   * Where the host publishes public keys (`createKeysHandler` of `@x/sender`), shown with those of endpoints that sign with a key
   * pair: `https://app.example.com/.well-known/webhook-keys`, behind which the id of an endpoint stands.
   * @defaultValue none: keys are shown only
   */
  readonly keysUrl?: string | undefined
  /**
   * Lets the host hand the portal to somebody with `createLink`.
   * @defaultValue none: links cannot be made
   */
  readonly links?: PortalLinkOptions | undefined
  /**
   * Ends the live connections, which would otherwise hold up a server that closes.
   * @defaultValue none
   */
  readonly signal?: AbortSignal | undefined
  /**
   * Stands in front of the host's `authorize` and the sign-in, and looks at no further credential where too many were
   * wrong. Give the host's own, to count with its other routes together.
   * @defaultValue one with its own defaults: 60 a minute of a client, 1000 of all
   */
  readonly guessLimit?: GuessLimit | undefined
  /**
   * Headers that hold the credentials which `authorize` goes by, and somebody could guess.
   * @defaultValue ['authorization']
   */
  readonly credentialHeaders?: readonly string[] | undefined
  /**
   * How to authenticate, as a challenge of `WWW-Authenticate`: what a 401 tells callers.
   * @defaultValue 'Bearer'
   */
  readonly challenge?: string | undefined
  /**
   * Hears of what went wrong inside; callers only learn that something did.
   * @defaultValue silent
   */
  readonly logger?: Logger | undefined
}

/** What the portal is about, where it is mounted in a framework with requests of its own. */
export interface MountedPortalParts<TRequest> extends PortalParts {
  /**
   * Tells where a request comes from: whom wrong credentials are counted for.
   * @defaultValue the address that the framework tells, which minds its own setting of trusted proxies; where there is
   *   none, everybody is counted together
   */
  readonly clientOf?: ((request: TRequest) => string | undefined | Promise<string | undefined>) | undefined
}

/** The names of the options that every portal has, however it is mounted. */
export const MOUNTED_NAMES: FieldNames<MountedPortalParts<unknown>> = {
  sender: true,
  engine: true,
  signIn: true,
  keysUrl: true,
  links: true,
  signal: true,
  guessLimit: true,
  credentialHeaders: true,
  challenge: true,
  logger: true,
  frameAncestors: true,
  theme: true,
  locale: true,
  clientOf: true,
}

const SIGN_IN_NAMES: FieldNames<SignInOptions> = {
  userOf: true,
  secret: true,
  lifetimeSeconds: true,
  label: true,
}
const LINK_NAMES: FieldNames<PortalLinkOptions> = { url: true, secret: true }

const HEADER_NAME = /^[!#$%&'*+.^_`|~\w-]+$/
/** Browsers keep no cookie for longer. */
const LONGEST_SESSION_SECONDS = 400 * 24 * 3_600

const isText = (value: unknown): value is string => typeof value === 'string'
const isHeaderName = (value: unknown): value is string => isText(value) && HEADER_NAME.test(value)

/** The options that are the same for every framework. */
interface Mounted extends MountedPortalParts<never> {
  readonly authorize: unknown
  readonly basePath?: string | undefined
}

/**
 * Checks the options that a portal is mounted with; each part of it checks what its own are made of.
 *
 * @throws TypeError, naming the option.
 */
export function assertMounted<TOptions extends Mounted>(
  options: TOptions,
  known: FieldNames<TOptions>,
): void {
  assertFields(assertOption, '', options, known)
  const { authorize, basePath, clientOf } = options
  assertOption(typeof authorize === 'function', 'authorize', 'a function', authorize)
  assertFunction('clientOf', clientOf)
  const isPath = basePath === undefined || (isText(basePath) && /^(?:\/|$)/.test(basePath))
  assertOption(isPath, 'basePath', "a path that begins with a slash, such as '/portal'", basePath)
}

/**
 * Checks what a portal is about.
 *
 * @throws TypeError, naming the option.
 */
export function assertParts(parts: PortalParts): void {
  const { sender, engine, guessLimit, logger, credentialHeaders, challenge, signal, frameAncestors } = parts
  const isSender = typeof Object(Object(sender).endpoints).list === 'function'
  assertOption(isSender, 'sender', 'what createWebhookSender has made', sender)
  if (engine !== undefined) assertOption.methods('engine', engine, ['stats'])
  if (guessLimit !== undefined) assertOption.methods('guessLimit', guessLimit, ['find'])
  if (logger !== undefined) assertOption.methods('logger', logger, ['warn', 'error'])
  if (signal !== undefined)
    assertOption.methods('signal', signal, ['addEventListener', 'removeEventListener'])
  const areHeaders = credentialHeaders === undefined || isListOf(credentialHeaders, isHeaderName)
  assertOption(areHeaders, 'credentialHeaders', 'a list of names of headers', credentialHeaders)
  const isChallenge = challenge === undefined || (isText(challenge) && /^[!-~][ -~]*$/.test(challenge))
  assertOption(isChallenge, 'challenge', "a challenge of WWW-Authenticate, such as 'Bearer'", challenge)
  const areSources = frameAncestors === undefined || isListOf(frameAncestors, isText)
  assertOption(areSources, 'frameAncestors', 'a list of sources', frameAncestors)
  assertSignIn(parts.signIn)
  if (parts.links !== undefined) assertOption.fields('links', parts.links, LINK_NAMES)
}

function assertSignIn(signIn: SignInOptions | undefined): void {
  if (signIn === undefined) return
  const { userOf, lifetimeSeconds, label } = assertOption.fields('signIn', signIn, SIGN_IN_NAMES)
  assertOption(typeof userOf === 'function', 'signIn.userOf', 'a function', userOf)
  if (lifetimeSeconds !== undefined) {
    assertOption.integer('signIn.lifetimeSeconds', lifetimeSeconds, 1, LONGEST_SESSION_SECONDS)
  }
  assertOption(label === undefined || isText(label), 'signIn.label', 'a text', label)
}
