// Named imports would fail to link on older versions of Node.js, before the check of the version reports them.
import tls, { type SecureContext } from 'node:tls'

/** A client certificate with its key, PEM. */
export interface ClientCertificate {
  readonly cert: string
  readonly key: string
  readonly fingerprint: string
}

/** How connections verify servers. */
export interface TlsSettings {
  readonly ca: readonly string[]
  readonly minTlsVersion: 'TLSv1.2' | 'TLSv1.3'
}

/**
 * Creates the TLS context of many connections: reading a hundred authorities takes longer than a handshake.
 *
 * @returns undefined where the defaults of Node.js hold.
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
