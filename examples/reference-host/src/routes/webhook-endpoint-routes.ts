import { Router } from 'express'
import { z } from 'zod'
import { requireAdmin } from '../http/authorize.ts'

const endpointInput = z.object({
  url: z.string(),
  eventTypes: z.array(z.string()).optional(),
  description: z.string().optional(),
  secret: z.string().optional(),
})

/** Who gets webhooks about the tenant's events: the sender's own functions, narrowed to the tenant. */
export const webhookEndpointRoutes: Router = Router()

webhookEndpointRoutes.use(requireAdmin)

webhookEndpointRoutes.get('/', async (request, response) => {
  const { sender, tenantManager } = request.services
  response.json(await sender.endpoints.list({ tenantId: tenantManager.tenantId }))
})

webhookEndpointRoutes.post('/', async (request, response) => {
  const { sender, tenantManager } = request.services
  const input = endpointInput.parse(request.body)
  const created = await sender.endpoints.create({ tenantId: tenantManager.tenantId, ...input })
  response.status(201).json(created)
})

webhookEndpointRoutes.delete('/:id', async (request, response) => {
  const { sender, tenantManager } = request.services
  await sender.endpoints.delete(request.params['id'], { tenantId: tenantManager.tenantId })
  response.status(204).end()
})
