import type { RequestListener } from 'node:http'
import type { MiddlewareConsumer } from '@nestjs/common'
import type {
  ALBHandler,
  APIGatewayProxyHandler,
  APIGatewayProxyHandlerV2,
  LambdaFunctionURLHandler,
} from 'aws-lambda'
import type { RequestHandler } from 'express'
import type { RequestHandler as RequestHandler4 } from 'express4'
import type { FastifyInstance, FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'
import type { Handler } from 'hono'
import type { Middleware } from 'koa'
import type { NextApiHandler } from 'next'
import type { NextRequest } from 'next/server.js'
import { expectTypeOf, it } from 'vitest'
import type { webhook as express } from '../src/express.ts'
import type { webhook as fastify } from '../src/fastify.ts'
import type { webhook as hono } from '../src/hono.ts'
import type { webhook as koa } from '../src/koa.ts'
import type { webhook as lambda } from '../src/lambda.ts'
import type { webhook as nestjs } from '../src/nestjs.ts'
import type { webhook as next } from '../src/next.ts'
import type { webhook as node } from '../src/node.ts'

it('fits where node:http, Express 4 and 5, and the pages router want a handler', () => {
  expectTypeOf<ReturnType<typeof node>>().toExtend<RequestListener>()
  expectTypeOf<ReturnType<typeof node>>().toExtend<NextApiHandler>()
  expectTypeOf<ReturnType<typeof express>>().toExtend<RequestHandler>()
  expectTypeOf<ReturnType<typeof express>>().toExtend<RequestHandler4>()
})

it('fits where Fastify wants a plugin', () => {
  expectTypeOf<ReturnType<typeof fastify>>().toExtend<FastifyPluginAsync>()
  const register = (app: FastifyInstance, plugin: ReturnType<typeof fastify>) =>
    app.register(plugin, { prefix: '/hook' })
  expectTypeOf(register).toBeFunction()
})

it('fits where Hono and Koa want a handler', () => {
  expectTypeOf<ReturnType<typeof hono>>().toExtend<Handler>()
  expectTypeOf<ReturnType<typeof koa>>().toExtend<Middleware>()
})

it('fits where the app router wants a route handler', () => {
  type RouteHandler = (request: NextRequest, context: { params: Promise<object> }) => Promise<Response>
  expectTypeOf<ReturnType<typeof next>>().toExtend<RouteHandler>()
})

it('fits where AWS Lambda wants a handler of events over HTTP', () => {
  type Webhook = ReturnType<typeof lambda>
  expectTypeOf<Webhook>().toExtend<APIGatewayProxyHandler>()
  expectTypeOf<Webhook>().toExtend<APIGatewayProxyHandlerV2>()
  expectTypeOf<Webhook>().toExtend<LambdaFunctionURLHandler>()
  expectTypeOf<Webhook>().toExtend<ALBHandler>()
})

it('fits where NestJS wants a middleware, on Express and on Fastify', () => {
  type Webhook = ReturnType<typeof nestjs>
  expectTypeOf<Webhook>().toExtend<RequestHandler>()
  expectTypeOf<MiddlewareConsumer['apply']>().toBeCallableWith({} as Webhook)
  expectTypeOf<Webhook>().toBeCallableWith({} as FastifyRequest, {} as FastifyReply)
})
