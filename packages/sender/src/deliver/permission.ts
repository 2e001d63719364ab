import { createSyncEvent, type Logger, type SyncEvent, shown } from '@x/events-core'
import { storableText, thrownMessage } from '@x/events-engine/internal'
import type { DueDelivery } from '../deliveries/due-delivery.ts'
import type { Endpoint } from '../endpoints/endpoint.ts'
import type { AttemptError } from '../http/errors.ts'
import type { Post, PostUnderWay } from '../http/post.ts'

/** The event that a webhook is about, without what it carried. */
export type DeliveredEvent = Omit<SyncEvent, 'data'>

/** Decides, before each attempt, whether an endpoint may still hear of an event. */
export type CanReceive = (endpoint: Endpoint, event: DeliveredEvent) => boolean | Promise<boolean>

/** An attempt that has to be allowed. */
export interface PermittedAttempt {
  readonly endpoint: Endpoint
  readonly delivery: DueDelivery
  readonly post: Post
  send(): void
  /** Whether it may not be made any more, whatever the answer is. */
  isOver(): boolean
}

/** An attempt that waits for permission. */
export interface Permission {
  /** What can be given up while it waits, and after. */
  readonly underWay: PostUnderWay
  /** Asks; then sends, or ends the attempt. */
  ask(): void
}

/** Whether an endpoint may have a message now; undefined where the host does not say. */
export type IsAllowed = (
  endpoint: Endpoint,
  message: Pick<DueDelivery, 'eventId' | 'body' | 'headers'>,
) => Promise<boolean | undefined>

/** Creates what asks a host about a message that is read. */
export function createPermissionCheck(
  canReceive: CanReceive,
  { timeoutMs, logger }: { readonly timeoutMs: number; readonly logger: Logger },
): IsAllowed {
  return async (endpoint, message) => {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`It did not answer within ${timeoutMs} ms.`)), timeoutMs)
    })
    try {
      return await Promise.race([answerOf(canReceive, endpoint, message), late])
    } catch (error) {
      logger.warn({ err: error, endpoint: endpoint.id }, 'canReceive has failed; the message is not given')
      return undefined
    } finally {
      clearTimeout(timer)
    }
  }
}

async function answerOf(
  canReceive: CanReceive,
  endpoint: Endpoint,
  message: Pick<DueDelivery, 'eventId' | 'body' | 'headers'>,
): Promise<boolean> {
  const answer: unknown = await canReceive(endpoint, eventOf(message))
  if (typeof answer === 'boolean') return answer
  throw new TypeError(`It has answered ${shown(answer)}, not true or false.`)
}

/** Creates what asks a host. No answer, or none that is yes or no, is a fault of this side. */
export function createPermissions(canReceive: CanReceive, logger: Logger) {
  async function refusalOf({ endpoint, delivery }: PermittedAttempt): Promise<AttemptError | undefined> {
    try {
      return (await answerOf(canReceive, endpoint, delivery)) ? undefined : NOT_ALLOWED
    } catch (error) {
      logger.warn({ err: error, endpoint: endpoint.id }, 'canReceive has failed; the webhook waits')
      return unanswered(`options.canReceive has failed: ${thrownMessage(error)}`)
    }
  }

  return function permissionFor(attempt: PermittedAttempt): Permission {
    const { post } = attempt
    let waiting = true
    return {
      underWay: {
        giveUp(error) {
          const isLate = waiting && error.code === 'timeout'
          waiting = false
          post.giveUp(isLate ? unanswered('options.canReceive did not answer within timeoutMs.') : error)
        },
      },
      ask() {
        void refusalOf(attempt).then((refusal) => {
          if (!waiting) return
          waiting = false
          if (refusal) post.giveUp(refusal)
          else if (attempt.isOver()) post.giveUp(OVER)
          else attempt.send()
        })
      },
    }
  }
}

const NOT_ALLOWED: AttemptError = {
  code: 'not_allowed',
  attribution: 'sender',
  message: 'options.canReceive has said no.',
}
const OVER: AttemptError = {
  code: 'aborted',
  attribution: 'sender',
  message: 'The endpoint has changed, or the sender has stopped, while options.canReceive was asked.',
}

const MAX_MESSAGE_LENGTH = 500

function unanswered(message: string): AttemptError {
  return { code: 'check_failed', attribution: 'sender', message: storableText(message, MAX_MESSAGE_LENGTH) }
}

/** Reads from a message what it is about, whichever its format. */
function eventOf({
  eventId,
  body,
  headers,
}: Pick<DueDelivery, 'eventId' | 'body' | 'headers'>): DeliveredEvent {
  const content = JSON.parse(body.toString()) as Content
  const timeAt = headers?.indexOf('ce-time') ?? -1
  const data = timeAt < 0 ? content.data : (content as unknown as Content['data'])
  const time = timeAt < 0 ? (content.timestamp ?? content.time) : headers?.[timeAt + 1]
  const { tenantId, siteId, entityName, entityId, action } = data
  return createSyncEvent({
    id: eventId,
    tenantId,
    siteId,
    entityName,
    entityId,
    action,
    modifiedOn: new Date(time ?? Number.NaN),
  })
}

interface Content {
  readonly timestamp?: string
  readonly time?: string
  readonly data: Pick<SyncEvent, 'tenantId' | 'siteId' | 'entityName' | 'entityId' | 'action'>
}
