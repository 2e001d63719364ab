import type { Assertion, FieldNames } from '@x/events-core'
import { assertFields, assertObject, createArgumentAssertion } from '../assert.ts'
import type { WebhookScheme } from '../protocol.ts'
import type { SecretSource } from '../secret-source.ts'
import { defineScheme } from './define-scheme.ts'
import { at, textAt, typeOf } from './payload.ts'
import type { SchemeDefinition } from './scheme.ts'
import { type SecretOptions, secretOptions } from './signing-senders.ts'
import { sharedSecret, standardSignature } from './verify.ts'

/** How GitLab proves a webhook. */
export type GitLabOptions =
  | {
      /** The signing token, `whsec_...`: GitLab then signs as Standard Webhooks has it. */
      readonly signingToken: SecretSource
    }
  | {
      /** The secret token, which GitLab sends along as it is and which proves no body. */
      readonly token: SecretSource
    }

const SIGNING_NAMES: FieldNames<Extract<GitLabOptions, { signingToken: unknown }>> = { signingToken: true }
const TOKEN_NAMES: FieldNames<Extract<GitLabOptions, { token: unknown }>> = { token: true }

function verifyGitLab(options: GitLabOptions): SchemeDefinition['verify'] {
  const assert: Assertion = createArgumentAssertion('gitlab')
  assertObject(assert, options)
  if ('signingToken' in options) {
    assertFields(assert, options, SIGNING_NAMES)
    return standardSignature(options.signingToken)
  }
  assertFields(assert, options, TOKEN_NAMES)
  return sharedSecret({ secret: options.token, find: ({ headers }) => headers.get('x-gitlab-token') })
}

/**
 * GitLab (type: `push`, `merge_request.open`), with its signing token or, of older versions, its secret token.
 *
 * @see https://docs.gitlab.com/user/project/integrations/webhooks/
 */
export const gitlab = (options: GitLabOptions): WebhookScheme =>
  defineScheme({
    name: 'gitlab',
    verify: verifyGitLab(options),
    event: ({ headers, payload }) => ({
      id: headers.get('idempotency-key'),
      type: typeOf(
        textAt(payload, 'object_kind') ?? textAt(payload, 'event_name'),
        textAt(payload, 'object_attributes', 'action'),
      ),
      data: payload,
    }),
  })

function standard(name: string): (options: SecretOptions) => WebhookScheme {
  return (options) =>
    defineScheme({
      name,
      verify: standardSignature(secretOptions(name, options).secret),
      event: ({ payload }) => ({
        type: at(payload, 'type'),
        timestamp: at(payload, 'timestamp') ?? at(payload, 'created_at'),
        data: payload,
      }),
    })
}

/**
 * Any sender of Standard Webhooks, or one that uses Svix, whose data is the whole body. For one whose events have their
 * `data` in a member of that name, `createReceiver({ secrets })` does as well.
 *
 * @see https://www.standardwebhooks.com
 */
export const standardWebhooks = standard('standardWebhooks')

/** Clerk (type: `user.created`). @see https://clerk.com/docs/guides/development/webhooks/overview */
export const clerk = standard('clerk')

/** Resend (type: `email.delivered`). @see https://resend.com/docs/webhooks/verify-webhooks-requests */
export const resend = standard('resend')

/** OpenAI (type: `response.completed`). @see https://platform.openai.com/docs/guides/webhooks */
export const openai = standard('openai')
