import { href } from '../hash-route.ts'
import { Empty } from '../parts/empty.tsx'
import { PageHead } from '../parts/page-head.tsx'

export function NotFoundPage() {
  return (
    <>
      <PageHead title="Not found" />
      <div className="card">
        <Empty title="There is nothing at this address">
          <a href={href(['endpoints'])}>Go to the endpoints</a>
        </Empty>
      </div>
    </>
  )
}
