import { shown, WebhookSenderError } from '../errors.ts'

/** What to say of an id that nobody, or another tenant, has. */
export function endpointNotFound(id: unknown): WebhookSenderError {
  return new WebhookSenderError('endpoint_not_found', `There is no endpoint ${shown(id)}.`, {
    remedy: 'endpoints.list() tells which there are.',
  })
}

/** What to say when something is to be sent to a disabled endpoint. */
export function endpointDisabled(id: string): WebhookSenderError {
  return new WebhookSenderError('endpoint_disabled', `The endpoint ${id} is disabled; enable it first.`, {
    remedy: 'endpoints.enable() does.',
  })
}

/** What to say when a tenant has as many endpoints as it may. */
export function tooManyEndpoints(tenantId: number, limit: number): WebhookSenderError {
  return new WebhookSenderError(
    'too_many_endpoints',
    `Tenant ${tenantId} has ${limit} endpoints already, as many as it may; delete one that it does not need.`,
    { remedy: 'options.maxEndpointsPerTenant raises the limit.' },
  )
}

/** What to say of a change that was meant for another version. */
export function versionConflict(id: string, wanted: unknown, current: number): WebhookSenderError {
  return new WebhookSenderError(
    'version_conflict',
    `The endpoint ${shown(id)} is at version ${current}, and the change was meant for ${shown(wanted)}; read it again and decide anew.`,
    { field: 'version' },
  )
}
