import 'reflect-metadata'
import {
  Controller,
  type INestApplication,
  type MiddlewareConsumer,
  Module,
  type NestApplicationOptions,
  Post,
  Req,
  Res,
} from '@nestjs/common'
import { type AbstractHttpAdapter, NestFactory } from '@nestjs/core'
import { ExpressAdapter, type NestExpressApplication } from '@nestjs/platform-express'
import { FastifyAdapter } from '@nestjs/platform-fastify'
import { describe } from 'vitest'
import { type MountedReceiver, type NestWebhook, webhook } from '../src/nestjs.ts'
import { adapterContract, type StartServer } from './adapter-contract.ts'
import { testServer } from './socket.ts'

type AnyModule = new () => object
type Mount = (receiver: MountedReceiver) => { module: AnyModule; prepare?: (app: INestApplication) => void }

const inModule: Mount = (receiver) => {
  class HookModule {
    configure(consumer: MiddlewareConsumer) {
      consumer.apply(webhook(receiver)).forRoutes('hook')
    }
  }
  Module({})(HookModule)
  return { module: HookModule }
}

// Decorators are called as the functions that they are: this file runs without a step that knows them.
const inController: Mount = (receiver) => {
  const hook = webhook(receiver)
  class HookController {
    receive(...[request, response]: Parameters<NestWebhook>) {
      return hook(request, response)
    }
  }
  const method = Object.getOwnPropertyDescriptor(HookController.prototype, 'receive')
  Post()(HookController.prototype, 'receive', method as PropertyDescriptor)
  Req()(HookController.prototype, 'receive', 0)
  Res()(HookController.prototype, 'receive', 1)
  Controller('hook')(HookController)
  class HookModule {}
  Module({ controllers: [HookController] })(HookModule)
  return { module: HookModule }
}

const inApplication: Mount = (receiver) => {
  class AppModule {}
  Module({})(AppModule)
  return { module: AppModule, prepare: (app) => app.use('/hook', webhook(receiver)) }
}

const platforms: [string, () => AbstractHttpAdapter][] = [
  ['Express', () => new ExpressAdapter()],
  ['Fastify', () => new FastifyAdapter()],
]

describe.each(platforms)('on %s', (platform, adapter) => {
  const starting =
    (mount: Mount, options: NestApplicationOptions = {}): StartServer =>
    async (receiver) => {
      const { module, prepare } = mount(receiver)
      const app = await NestFactory.create<NestExpressApplication>(module, adapter(), {
        logger: false,
        ...options,
      })
      prepare?.(app)
      // Otherwise Express's parser answers 413 above 100 kB.
      if (options.rawBody && platform === 'Express') app.useBodyParser('json', { limit: '1mb' })
      await app.listen(0, '127.0.0.1')
      const server = app.getHttpServer()
      return testServer(server, () => app.close())
    }

  adapterContract(`webhook(receiver) as a middleware of a NestJS application on ${platform}`, {
    start: starting(inApplication),
  })
  adapterContract(`webhook(receiver) in NestJS on ${platform}`, {
    start: starting(inModule, { bodyParser: false }),
    kept: {
      'in a module, with rawBody: true': starting(inModule, { rawBody: true }),
      'in a controller, with rawBody: true': starting(inController, { rawBody: true }),
    },
    consumed: {
      // On Fastify a middleware comes before the parser.
      ...(platform === 'Express' && { 'in a module, without rawBody': starting(inModule) }),
      'in a controller, without rawBody': starting(inController),
    },
  })
})
