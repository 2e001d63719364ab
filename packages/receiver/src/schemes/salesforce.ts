import type { Assertion } from '@x/events-core'
import { WebhookVerificationError } from '@x/signature'
import { assertObject, createOptionAssertion } from '../assert.ts'
import type { WebhookScheme } from '../protocol.ts'
import { defineScheme } from './define-scheme.ts'
import { isSameText } from './digest.ts'
import type { SchemeRequest } from './scheme.ts'
import { type SharedSecretPlace, verifyPlace } from './shared-secret-senders.ts'
import { childOf, parseXml, type XmlElement } from './xml.ts'

/** What the scheme of Salesforce is given: the organization, and the place of a secret. */
export type SalesforceOptions = SharedSecretPlace & {
  /** The organization's id, of 15 or 18 characters; messages of others are refused. It is no secret. */
  readonly organizationId: string
}

const assertOption: Assertion = createOptionAssertion('salesforce')

const ACKNOWLEDGEMENT = `<?xml version="1.0" encoding="UTF-8"?>
<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Body><notificationsResponse xmlns="http://soap.sforce.com/2005/09/outbound"><Ack>true</Ack></notificationsResponse></soapenv:Body></soapenv:Envelope>`

/**
 * Outbound messages of Salesforce (type: the object's, `Account`), several in a request. They are not signed: put a code
 * into the URL, and ask for Salesforce's client certificate in front of the receiver.
 *
 * @see https://developer.salesforce.com/docs/atlas.en-us.api.meta/api/sforce_api_om_outboundmessaging.htm
 *
 * @example
 * ```ts
 * import { createReceiver } from '@x/receiver'
 * import { salesforce } from '@x/receiver/schemes'
 *
 * const receiver = createReceiver({
 *   scheme: salesforce({ organizationId: '00D000000000001', code: process.env['SALESFORCE_CODE']! }),
 * })
 * ```
 */
export function salesforce(options: SalesforceOptions): WebhookScheme {
  assertObject(assertOption, options)
  const { organizationId: given, ...place } = options
  const verify = verifyPlace('salesforce', place)
  const isId = typeof given === 'string' && /^[A-Za-z0-9]{15}(?:[A-Za-z0-9]{3})?$/.test(given)
  assertOption(isId, 'organizationId', 'a text of 15 or 18 letters and digits', given)
  // Of 18 characters, the last three repeat the case of the others.
  const organizationId = given.slice(0, 15)
  return defineScheme({
    name: 'salesforce',
    formats: ['xml'],
    acknowledgement: { headers: { 'content-type': 'text/xml; charset=utf-8' }, body: ACKNOWLEDGEMENT },
    async verify(request) {
      const proof = await verify(request)
      const claimed = childOf(notificationsOf(request), 'OrganizationId')?.text ?? ''
      return (await isSameText(claimed.slice(0, 15), organizationId)) && proof
    },
    event(request) {
      const notifications = notificationsOf(request)
      const common = fieldsOf(notifications, (name) => name !== 'Notification')
      const messages = notifications.children.filter(({ name }) => name === 'Notification')
      return messages.map((message) => {
        const object = childOf(message, 'sObject')
        const type = (object?.attributes['xsi:type'] ?? '').replace(/^.*:/, '')
        return {
          id: childOf(message, 'Id')?.text,
          type,
          data: { ...common, sObject: object ? fieldsOf(object, () => true) : {} },
        }
      })
    },
  })
}

function notificationsOf(request: SchemeRequest): XmlElement {
  const notifications = childOf(parseXml(request.text), 'Body', 'notifications')
  if (notifications) return notifications
  throw new WebhookVerificationError('invalid_body', 'The body is no outbound message of Salesforce.')
}

function fieldsOf(
  { children }: XmlElement,
  isWanted: (name: string) => boolean,
): Record<string, string | null> {
  const wanted = children.filter(({ name }) => isWanted(name) && name !== '__proto__')
  return Object.fromEntries(
    wanted.map(({ name, text, attributes }) => [name, attributes['xsi:nil'] === 'true' ? null : text]),
  )
}
