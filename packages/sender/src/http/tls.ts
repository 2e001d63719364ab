// Imported by name, what older versions of Node.js lack would keep them from saying that they are too old.
import tls, { type SecureContext } from 'node:tls'

/** A certificate with its key, PEM, as connections show it. */
export interface ClientCertificate {
  readonly cert: string
  readonly key: string
  readonly fingerprint: string
}

/** What decides whom connections trust, and how this side shows who it is. */
export interface TlsSettings {
  readonly ca: readonly string[]
  readonly minTlsVersion: 'TLSv1.2' | 'TLSv1.3'
}

/**
 * Made once for many connections: reading a hundred authorities takes longer than a handshake.
 *
 * @returns undefined where everything is as Node.js has it by default.
 */
export function createTlsContext(
  { ca, minTlsVersion }: TlsSettings,
  certificate?: ClientCertificate,
): SecureContext | undefined {
  if (ca.length === 0 && minTlsVersion === 'TLSv1.2' && !certificate) return undefined
  return tls.createSecureContext({
    minVersion: minTlsVersion,
    ...(ca.length === 0 ? {} : { ca: [...tls.getCACertificates('default'), ...ca] }),
    ...(certificate && { cert: certificate.cert, key: certificate.key }),
  })
}
