import { PrismaPg } from '@prisma/adapter-pg'
import {
  type GetPrismaClientConfig,
  getPrismaClient,
  type PrismaPromise,
} from '@prisma/client/runtime/client'

/** What `prisma generate` would write for the schema below, as far as the tests use it. */
export interface PrismaClient extends PrismaTransactionClient {
  $connect(): Promise<void>
  $disconnect(): Promise<void>
}

/** `Prisma.TransactionClient`: the client without what is in Prisma's `ITXClientDenyList`. */
export interface PrismaTransactionClient {
  readonly page: { create(args: { data: { pageId: number; name: string } }): PrismaPromise<unknown> }
  $executeRawUnsafe(query: string, ...values: unknown[]): PrismaPromise<number>
  $transaction<TResult>(work: (tx: PrismaTransactionClient) => Promise<TResult>): Promise<TResult>
}

const queryCompiler = '@prisma/client/runtime/query_compiler_fast_bg.postgresql'

// Node's types do not mention it as a value.
const { WebAssembly } = globalThis as unknown as {
  readonly WebAssembly: { readonly Module: new (bytes: Uint8Array) => unknown }
}

// The generator lives in a package of 300 MB that asks for engines from the Web. What it writes is a
// description of the schema and this call; the client itself is the real one.
const config: GetPrismaClientConfig = {
  previewFeatures: [],
  clientVersion: '7.10.0',
  engineVersion: 'none: queries are compiled by the WebAssembly module below',
  activeProvider: 'postgresql',
  inlineSchema: `
    generator client {
      provider = "prisma-client"
    }
    datasource db {
      provider = "postgresql"
    }
    model page {
      pageId Int    @id
      name   String
    }`,
  runtimeDataModel: {
    models: {
      page: {
        dbName: null,
        schema: null,
        fields: [
          { name: 'pageId', kind: 'scalar', type: 'Int' },
          { name: 'name', kind: 'scalar', type: 'String' },
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

/** A real Prisma client of the database at the address. */
export function createPrismaClient(url: string): PrismaClient {
  const Client = getPrismaClient(config)
  return new Client({ adapter: new PrismaPg({ connectionString: url, max: 2 }) }) as unknown as PrismaClient
}
