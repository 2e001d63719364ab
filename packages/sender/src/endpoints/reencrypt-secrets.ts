import type { DeliveryStore } from '../delivery-store.ts'
import type { SecretBox } from './secret-box.ts'

const AT_ONCE = 100

/** Seals every secret with the current key that was sealed with an earlier one. */
export async function reencryptSecrets(store: DeliveryStore, box: SecretBox): Promise<number> {
  let count = 0
  for (;;) {
    const secrets = await store.listForeignSecrets(box.keyId, AT_ONCE)
    if (secrets.length === 0) return count
    for (const secret of secrets) {
      const { endpointId, sealed } = secret
      await store.replaceSealed(secret, box.seal(box.open(sealed, endpointId), endpointId), box.keyId)
    }
    count += secrets.length
  }
}
