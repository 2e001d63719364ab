import { Component, type ReactNode } from 'react'
import { problemOf } from '../http.ts'
import { ProblemNote } from './problem-note.tsx'

interface BoundaryState {
  readonly error: unknown
}

/** Keeps a page that cannot be drawn from taking everything around it away. */
export class Boundary extends Component<{ readonly children: ReactNode }, BoundaryState> {
  override state: BoundaryState = { error: undefined }

  static getDerivedStateFromError(error: unknown): BoundaryState {
    return { error }
  }

  override render(): ReactNode {
    const { error } = this.state
    return error === undefined ? this.props.children : <ProblemNote problem={problemOf(error)} />
  }
}
