import { type JsonFields, readJsonFields } from '../read-json.ts'
import type { BodyFields } from './route.ts'
import type { TimeParameter } from './schema.ts'

/**
 * Reads a body of described fields, and the times among them. What the others hold is checked by whoever takes them.
 *
 * @throws PortalProblem 400, 413, 415
 */
export async function readFields(request: Request, described: BodyFields = {}): Promise<JsonFields> {
  const fields = await readJsonFields(request, Object.keys(described))
  const read = Object.entries(fields).map(([name, value]) => {
    const { readField } = described[name] as Partial<TimeParameter>
    return [name, readField ? readField(name, value) : value]
  })
  return Object.fromEntries(read)
}
