import { href } from '../hash-route.ts'
import { Empty } from '../parts/empty.tsx'
import { PageHead } from '../parts/page-head.tsx'
import { t } from '../preferences.ts'

export function NotFoundPage() {
  return (
    <>
      <PageHead title={t.notFound.title} />
      <div className="card">
        <Empty title={t.notFound.nowhere}>
          <a href={href(['endpoints'])}>{t.notFound.toEndpoints}</a>
        </Empty>
      </div>
    </>
  )
}
