import { isStorable } from '@x/events-engine/internal'
import { readTime } from './argument.ts'
import type { SharedClock } from './clock.ts'
import { assertArgument } from './errors.ts'
import type { DeliveryStore } from './store/store.ts'

/** Remembers, for all nodes, which tokens of the host's own are no longer good. */
export interface Tokens {
  /**
   * Notes that a token of the host's own is used, such as a link that is good once: of all calls with it, on any node, one
   * gets true.
   *
   * @param id - names the token: 1 to 200 characters. It is kept until a day after `expiresOn`, then it could be used again.
   * @param expiresOn - when the token is no longer valid.
   * @returns false where it has been used before.
   * @throws WebhookSenderError `invalid_argument`
   * @example
   * ```ts
   * import type { WebhookSender } from '@x/sender'
   *
   * async function assertFirstUse(sender: WebhookSender, id: string, expiresOn: Date): Promise<void> {
   *   if (!(await sender.redeem(id, expiresOn))) throw new Error('This link has been used.')
   * }
   * ```
   */
  redeem(id: string, expiresOn: Date): Promise<boolean>
  /**
   * How often tokens of the host's own were revoked, by {@link Tokens.revokeTokens}: put it into each token, and take none
   * that holds another number.
   *
   * @param scope - names the tokens that are revoked together: 1 to 200 characters.
   * @throws WebhookSenderError `invalid_argument`
   */
  tokenEpoch(scope: string): Promise<number>
  /**
   * Revokes the tokens of a scope that were made so far, on every node.
   *
   * @throws WebhookSenderError `invalid_argument`
   */
  revokeTokens(scope: string): Promise<void>
}

const MAX_NAME_LENGTH = 200

/** Creates what remembers tokens. */
export function createTokens(store: DeliveryStore, clock: SharedClock): Tokens {
  return {
    async redeem(id, expiresOn) {
      assertTokenName('id', id)
      return store.useToken(id, readTime('expiresOn', expiresOn), clock.now())
    },
    async tokenEpoch(scope) {
      assertTokenName('scope', scope)
      return store.readTokenEpoch(scope)
    },
    async revokeTokens(scope) {
      assertTokenName('scope', scope)
      await store.raiseTokenEpoch(scope)
    },
  }
}

/** @throws WebhookSenderError `invalid_argument` */
function assertTokenName(field: string, name: unknown): void {
  const isName = isStorable(name) && name.length > 0 && name.length <= MAX_NAME_LENGTH
  assertArgument(isName, field, `a text of 1 to ${MAX_NAME_LENGTH} characters`, name)
}
