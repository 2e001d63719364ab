import zlib from 'node:zlib'

// Imported by name, what older versions of Node.js lack would keep them from saying that they are too old.
const { brotliDecompressSync, constants, gunzipSync, inflateSync, zstdDecompressSync } = zlib

/** As much of an answer's body as is kept. */
export const SNIPPET_BYTES = 4 * 1024

const MAX_DECODED_BYTES = 64 * 1024
const LEAST_INPUT_BYTES = 64
/** 8 MB, which is what every decoder should understand (RFC 8878, 3.1.1.1.2). */
const ZSTD_WINDOW_LOG = 23

type Decode = (bytes: Buffer, maxOutputLength: number) => Buffer

// What is there is decoded, although the end is missing.
const gunzip: Decode = (bytes, maxOutputLength) =>
  gunzipSync(bytes, { maxOutputLength, finishFlush: constants.Z_SYNC_FLUSH })
const DECODERS: Readonly<Record<string, Decode>> = {
  gzip: gunzip,
  'x-gzip': gunzip,
  deflate: (bytes, maxOutputLength) =>
    inflateSync(bytes, { maxOutputLength, finishFlush: constants.Z_SYNC_FLUSH }),
  br: (bytes, maxOutputLength) =>
    brotliDecompressSync(bytes, { maxOutputLength, finishFlush: constants.BROTLI_OPERATION_FLUSH }),
  zstd: (bytes, maxOutputLength) =>
    zstdDecompressSync(bytes, {
      maxOutputLength,
      finishFlush: constants.ZSTD_e_flush,
      // What is decoded takes so much memory at once as its beginning says: 2 ** 27 bytes, unless told otherwise.
      params: { [constants.ZSTD_d_windowLogMax]: ZSTD_WINDOW_LOG },
    }),
}

/**
 * The beginning of an answer as text that any database stores, cut without half a character at its end.
 *
 * @param bytes - the first of the body, as they came.
 * @param encoding - the `content-encoding`, if there was one. What cannot be decoded is shown as it came.
 */
export function snippetOf(bytes: Buffer, encoding: string | undefined): string {
  const decode = encoding === undefined ? undefined : DECODERS[encoding.trim().toLowerCase()]
  const body = decode ? decoded(bytes, decode) : bytes
  const text = body.subarray(0, SNIPPET_BYTES).toString('utf8').replaceAll('\0', '\ufffd')
  return body.length >= SNIPPET_BYTES ? text.replace(/\ufffd$/, '') : text
}

/** What would become more than is kept by far is decoded from fewer bytes: a bomb does not go off. */
function decoded(bytes: Buffer, decode: Decode): Buffer {
  for (let input = bytes; input.length >= LEAST_INPUT_BYTES || input === bytes; ) {
    try {
      return decode(input, MAX_DECODED_BYTES)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ERR_BUFFER_TOO_LARGE') break
      input = input.subarray(0, input.length >> 1)
    }
  }
  return bytes
}
