import { expect, it } from 'vitest'
import * as drizzle from '../src/drizzle.ts'
import * as express from '../src/express.ts'
import * as fastify from '../src/fastify.ts'
import * as hono from '../src/hono.ts'
import * as receiver from '../src/index.ts'
import * as knex from '../src/knex.ts'
import * as koa from '../src/koa.ts'
import * as kysely from '../src/kysely.ts'
import * as lambda from '../src/lambda.ts'
import * as nestjs from '../src/nestjs.ts'
import * as next from '../src/next.ts'
import * as node from '../src/node.ts'
import * as pg from '../src/pg.ts'
import * as prisma from '../src/prisma.ts'
import * as redis from '../src/redis.ts'
import * as schemes from '../src/schemes.ts'
import * as testing from '../src/testing.ts'

it('exports these names, and no others', () => {
  expect(Object.keys(receiver).sort()).toEqual([
    'ReceiverError',
    'Webhook',
    'WebhookKeyError',
    'WebhookVerificationError',
    'createReceiver',
    'generateSecret',
    'inboxTableSql',
    'jwks',
    'memoryReplayStore',
    'memorySequenceStore',
  ])
  for (const adapter of [express, fastify, hono, koa, lambda, nestjs, next, node]) {
    expect(Object.keys(adapter)).toEqual(['webhook'])
  }
  expect(Object.keys(kysely).sort()).toEqual([
    'createInboxTable',
    'createReplayTable',
    'kyselyInbox',
    'kyselyReplayStore',
  ])
  expect(Object.keys(pg).sort()).toEqual(['createInboxTable', 'pgInbox'])
  expect(Object.keys(drizzle).sort()).toEqual(['createInboxTable', 'drizzleInbox'])
  expect(Object.keys(knex).sort()).toEqual(['createInboxTable', 'knexInbox'])
  expect(Object.keys(prisma).sort()).toEqual(['createInboxTable', 'prismaInbox'])
  expect(Object.keys(redis)).toEqual(['redisReplayStore'])
  expect(Object.keys(schemes).sort()).toEqual([
    'azureAlerts',
    'azureContainerRegistry',
    'azureDevOps',
    'bitbucket',
    'clerk',
    'dataverse',
    'defineScheme',
    'dropbox',
    'eventGrid',
    'generic',
    'github',
    'gitlab',
    'hmac',
    'intercom',
    'kudu',
    'linear',
    'mailchimp',
    'mandrill',
    'meta',
    'openai',
    'paypal',
    'pusher',
    'resend',
    'salesforce',
    'sharedSecret',
    'shopify',
    'slack',
    'square',
    'standardWebhooks',
    'stripe',
    'trello',
    'twilio',
    'wordpress',
    'zendesk',
  ])
  expect(Object.keys(testing).sort()).toEqual(['fakeClock', 'sendWebhook', 'signedHeaders', 'signedRequest'])
})
