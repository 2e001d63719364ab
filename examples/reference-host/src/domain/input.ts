import { z } from 'zod'

/** The id of an entity, in a JSON body. */
export const entityId = z.int().positive()
