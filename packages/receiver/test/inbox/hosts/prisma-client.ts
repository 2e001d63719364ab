import { PrismaBetterSqlite3 } from '@prisma/adapter-better-sqlite3'
import { PrismaPg } from '@prisma/adapter-pg'
import {
  type GetPrismaClientConfig,
  getPrismaClient,
  type PrismaPromise,
} from '@prisma/client/runtime/client'

/** `Prisma.TransactionClient`, as far as the tests use it. */
export interface PrismaTransactionClient {
  readonly effect: { create(args: { data: { message: string } }): PrismaPromise<unknown> }
  $executeRawUnsafe(query: string, ...values: unknown[]): PrismaPromise<number>
  $queryRawUnsafe<TResult = unknown>(query: string, ...values: unknown[]): PrismaPromise<TResult>
}

/** What `prisma generate` would write for the schema below: the overloads of `$transaction` too. */
export interface PrismaClient extends PrismaTransactionClient {
  $connect(): Promise<void>
  $disconnect(): Promise<void>
  $transaction<TPromises extends PrismaPromise<unknown>[]>(
    queries: [...TPromises],
    options?: { isolationLevel?: 'ReadCommitted' | 'RepeatableRead' | 'Serializable' },
  ): Promise<unknown[]>
  $transaction<TResult>(
    work: (tx: PrismaTransactionClient) => Promise<TResult>,
    options?: {
      maxWait?: number
      timeout?: number
      isolationLevel?: 'ReadCommitted' | 'RepeatableRead' | 'Serializable'
    },
  ): Promise<TResult>
}

const provider = { postgres: 'postgresql', sqlite: 'sqlite' } as const

// Node's types do not mention it as a value.
const { WebAssembly } = globalThis as unknown as {
  readonly WebAssembly: { readonly Module: new (bytes: Uint8Array) => unknown }
}

// The generator lives in a package of 300 MB that asks for engines from the Web. What it writes is a
// description of the schema and this call; the client itself is the real one.
function configFor(dialect: 'postgres' | 'sqlite'): GetPrismaClientConfig {
  const queryCompiler = `@prisma/client/runtime/query_compiler_fast_bg.${provider[dialect]}`
  return {
    previewFeatures: [],
    clientVersion: '7.10.0',
    engineVersion: 'none: queries are compiled by the WebAssembly module below',
    activeProvider: provider[dialect],
    inlineSchema: `
      generator client {
        provider = "prisma-client"
      }
      datasource db {
        provider = "${provider[dialect]}"
      }
      model effect {
        n       Int    @id @default(autoincrement())
        message String
      }`,
    runtimeDataModel: {
      models: {
        effect: {
          dbName: null,
          schema: null,
          fields: [
            { name: 'n', kind: 'scalar', type: 'Int' },
            { name: 'message', kind: 'scalar', type: 'String' },
          ],
        },
      },
      enums: {},
      types: {},
    } as unknown as GetPrismaClientConfig['runtimeDataModel'],
    // Tells which values of a query may become parameters of a shared plan: none, in a list of zeros.
    parameterizationSchema: { strings: [], graph: Buffer.alloc(16).toString('base64') },
    compilerWasm: {
      getRuntime: () => import(`${queryCompiler}.mjs`),
      async getQueryCompilerWasmModule() {
        const { wasm } = (await import(`${queryCompiler}.wasm-base64.mjs`)) as { readonly wasm: string }
        return new WebAssembly.Module(Buffer.from(wasm, 'base64')) as never
      },
      importName: './query_compiler_fast_bg.js',
    },
  }
}

/** A real Prisma client of the PostgreSQL database at an address. */
export function prismaOfPostgres(url: string): PrismaClient {
  const Client = getPrismaClient(configFor('postgres'))
  return new Client({ adapter: new PrismaPg({ connectionString: url, max: 5 }) }) as unknown as PrismaClient
}

/** A real Prisma client of an SQLite file. */
export function prismaOfSqlite(file: string): PrismaClient {
  const Client = getPrismaClient(configFor('sqlite'))
  const adapter = new PrismaBetterSqlite3({ url: `file:${file}`, timeout: 20 })
  return new Client({ adapter }) as unknown as PrismaClient
}
