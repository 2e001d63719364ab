// The library below wants it.
import 'reflect-metadata'
import { webcrypto } from 'node:crypto'
import * as x509 from '@peculiar/x509'

x509.cryptoProvider.set(webcrypto as never)

/** A certificate with its key, both PEM. */
export interface TestCertificate {
  readonly cert: string
  readonly key: string
}

/** What {@link TestAuthority.issue} is asked for. */
export interface CertificateWish {
  /** DNS names, or addresses. */
  readonly names?: readonly string[]
  readonly subject?: string
  readonly expired?: boolean
}

/** An authority that nobody trusts unless told to. */
export interface TestAuthority {
  /** PEM. */
  readonly ca: string
  issue(wish?: CertificateWish): Promise<TestCertificate>
}

const KEYS = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const
const DAY_MS = 86_400_000

const generateKeys = () => webcrypto.subtle.generateKey(KEYS, true, ['sign', 'verify'])

async function privatePem(keys: webcrypto.CryptoKeyPair): Promise<string> {
  const bytes = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey))
  const lines = bytes.toString('base64').match(/.{1,64}/g) ?? []
  return ['-----BEGIN PRIVATE KEY-----', ...lines, '-----END PRIVATE KEY-----', ''].join('\n')
}

/** Creates an authority with a key of its own. */
export async function testAuthority(): Promise<TestAuthority> {
  const keys = (await generateKeys()) as webcrypto.CryptoKeyPair
  const root = await x509.X509CertificateGenerator.createSelfSigned({
    name: 'CN=Test Authority',
    keys,
    signingAlgorithm: KEYS,
    notBefore: new Date(Date.now() - 10 * DAY_MS),
    notAfter: new Date(Date.now() + DAY_MS),
    extensions: [new x509.BasicConstraintsExtension(true, undefined, true)],
  })

  return {
    ca: root.toString('pem'),
    async issue({ names = ['127.0.0.1', 'localhost'], subject = 'CN=Test', expired = false } = {}) {
      const own = (await generateKeys()) as webcrypto.CryptoKeyPair
      const certificate = await x509.X509CertificateGenerator.create({
        subject,
        issuer: root.subject,
        publicKey: own.publicKey,
        signingKey: keys.privateKey,
        signingAlgorithm: KEYS,
        notBefore: new Date(Date.now() - 5 * DAY_MS),
        notAfter: new Date(Date.now() + (expired ? -1 : 1) * DAY_MS),
        extensions: [
          new x509.SubjectAlternativeNameExtension(
            names.map((value) => ({
              type: /^[\d.]+$/.test(value) ? ('ip' as const) : ('dns' as const),
              value,
            })),
          ),
        ],
      })
      return { cert: certificate.toString('pem'), key: await privatePem(own) }
    },
  }
}

/** A certificate that vouches for itself. */
export async function selfSigned(): Promise<TestCertificate> {
  const keys = (await generateKeys()) as webcrypto.CryptoKeyPair
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: 'CN=Self',
    keys,
    signingAlgorithm: KEYS,
    extensions: [new x509.SubjectAlternativeNameExtension([{ type: 'ip', value: '127.0.0.1' }])],
  })
  return { cert: certificate.toString('pem'), key: await privatePem(keys) }
}
