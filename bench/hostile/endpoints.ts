import { createPrivateKey, generateKeyPairSync, type KeyExportOptions } from 'node:crypto'
import { rootCertificates } from 'node:tls'
import type { ClientCertificateInput } from '@x/sender'
import type { HostileHost } from './hosts.ts'
import type { HostileInput } from './measure.ts'

/** The same key, said to be encrypted by another number of iterations than 2048. */
function withIterations(pem: string, iterations: number): string {
  const bytes = Buffer.from(pem.replaceAll(/-----[^-]+-----|\s/g, ''), 'base64')
  const at = bytes.indexOf(Buffer.from('02020800', 'hex'))
  const larger = Buffer.from(bytes)
  larger.writeUInt16BE(iterations, at + 2)
  return `-----BEGIN ENCRYPTED PRIVATE KEY-----\n${larger.toString('base64')}\n-----END ENCRYPTED PRIVATE KEY-----\n`
}

const rsa = (modulusLength: number) =>
  generateKeyPairSync('rsa', {
    modulusLength,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  }).privateKey

const passphrase = 'open sesame'
const encrypted = createPrivateKey(rsa(2_048))
  .export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase } as KeyExportOptions<'pem'>)
  .toString()

/** What a tenant can give to the library beside what the portal takes. */
export function endpointInputs({ sender }: HostileHost): HostileInput[] {
  const create = (what: string, clientCertificate: ClientCertificateInput) => ({
    what: `certificate: ${what}`,
    run: () => sender.endpoints.create({ tenantId: 1, url: 'https://example.com/', clientCertificate }),
  })
  const longSecret = `whsec_${'A'.repeat(10_000_000)}`
  const [cert = ''] = rootCertificates
  return [
    create('a key of 65,535 iterations', { cert, key: withIterations(encrypted, 65_535), passphrase }),
    create('a key that is encrypted as by OpenSSL', { cert, key: encrypted, passphrase }),
    create('a key of RSA with 4096 bits', { cert, key: rsa(4_096) }),
    create('32 KB of certificates', { cert: cert.repeat(200).slice(0, 32_768), key: encrypted }),
    create('32 KB of keys', { cert, key: encrypted.repeat(100).slice(0, 32_768), passphrase }),
    create('32 KB of nothing', { cert: '-'.repeat(32_768), key: '-'.repeat(32_768) }),
    {
      what: 'secret: 10 MB of base64',
      run: () =>
        sender.endpoints.create({
          tenantId: 1,
          url: 'https://example.com/',
          secret: longSecret,
        }),
    },
  ]
}
