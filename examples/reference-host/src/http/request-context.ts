import type { Services } from '../composition/services.ts'
import type { TokenHolder } from '../repositories/token-repository.ts'

// What earlier middleware leaves for later middleware and routes.
declare global {
  namespace Express {
    interface Request {
      /** Names this request in the log, and in answers that tell of a failure. */
      requestId: string
      /** The services of this request alone, bound to the tenant of its alias. */
      services: Services
      /** Who sent the request, where it came with a token. */
      caller: TokenHolder | undefined
    }
  }
}
