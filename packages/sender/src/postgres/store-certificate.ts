import { runStatement, type SqlExecutor } from '@x/events-engine/support'
import type { StoredCertificate } from '../endpoints/client-certificate.ts'
import type { TableNames } from '../table-names.ts'

/**
 * Creates what stores an endpoint's certificate in the place of another, in the transaction that changes the
 * endpoint. Undefined leaves all as it is, null takes it away.
 */
export function createCertificateStore(names: TableNames) {
  const remove = `delete from ${names.certificate} where endpoint_key = $1`
  const insert = `insert into ${names.certificate} (endpoint_key, sealed, key_id, subject, fingerprint, expires_on)
    values ($1, $2, $3, $4, $5, $6)`

  return async (
    trx: SqlExecutor,
    endpointKey: number,
    certificate: StoredCertificate | null | undefined,
  ): Promise<void> => {
    if (certificate === undefined) return
    await runStatement(trx, remove, [endpointKey])
    if (certificate === null) return
    const { sealed, keyId, subject, fingerprint, expiresOn } = certificate
    await runStatement(trx, insert, [endpointKey, sealed, keyId, subject, fingerprint, expiresOn])
  }
}
