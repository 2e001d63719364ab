import { expect } from 'vitest'
import { type TestHost, upload } from './open-test-host.ts'

/** One of everything, each with the id 1, in whose texts somebody has put what is worth stealing. */
export async function seedHost(host: TestHost, text = 'Seed'): Promise<void> {
  const add = async (path: string, body: object) => {
    const answer = await host.send(path, { body })
    expect([path, answer.status]).toEqual([path, 201])
  }
  await add('/api/User', { username: 'ada', displayName: text, email: 'ada@example.org' })
  const password = { method: 'PUT', body: { password: 'correct horse battery' } }
  expect((await host.send('/api/User/1/password', password)).status).toBe(204)
  await add('/api/Page', { name: text, path: 'seed' })
  expect((await upload(host, 'seed.txt', text)).status).toBe(201)
  await add('/api/Role', { name: text })
  await add('/api/UserRole', { userId: 1, roleId: 1 })
  await add('/api/Setting', { entityName: 'Site', entityId: 1, name: text, value: text })
  await add('/api/Module', { title: text, content: text })
  await add('/api/PageModule', { pageId: 1, moduleId: 1, pane: 'Content' })
  await add('/api/Notification', { toUserId: 1, subject: text, body: text })
  await add('/api/Language', { code: 'de', name: text })
  await add('/api/UrlMapping', { path: 'old', mappedPath: 'new' })
}
