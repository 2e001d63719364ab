import type { EndpointWarning } from './api-types.ts'
import type { Problem } from './http.ts'
import { t } from './preferences.ts'

/** The field that a problem is about, or a part of it: `headers` of `headers.authorization`. */
export function fieldOf(problem: Problem | undefined): string | undefined {
  return problem?.field?.split(/[.[]/)[0]
}

const lookUp = (texts: Readonly<Record<string, string>>, key: string | undefined) =>
  key !== undefined && Object.hasOwn(texts, key) ? texts[key] : undefined

/** What a person reads of a problem: by its code, and by the field where the code says little. */
export function problemText(problem: Problem): string {
  const { code, status, suggestions } = problem
  if (status >= 500) return code === 'internal_error' ? t.problems.internal_error : t.problem.unavailable
  const isAboutInput = code === 'invalid_argument' || code === 'invalid_endpoint'
  const field = fieldOf(problem)
  const isUnknownType = field === 'eventTypes' && suggestions !== undefined
  const ofField = isUnknownType ? t.problem.unknownEventType : lookUp(t.fieldProblems, field)
  const ofCertificate =
    code === 'invalid_certificate'
      ? lookUp(t.certificateProblems, problem.field?.split('.')[1] ?? 'url')
      : undefined
  const text = (isAboutInput ? ofField : ofCertificate) ?? lookUp(t.problems, code)
  const part =
    code === 'invalid_filter' && problem.field !== 'filter'
      ? problem.field?.replace(/^filter\.?/, '')
      : undefined
  return [
    text ?? t.problem.unknown(status),
    ...(part === undefined ? [] : [t.problem.at(part)]),
    ...(suggestions?.length ? [t.problem.meant(suggestions.join(', '))] : []),
  ].join(' ')
}

/** What a person reads of why an attempt has failed. */
export function attemptErrorText(code: string): string {
  return lookUp(t.attemptErrors, code) ?? t.attemptErrors.network_error
}

/** The same in a word or two. */
export function attemptErrorName(code: string): string {
  return lookUp(t.attemptErrorNames, code) ?? t.attemptErrorNames.network_error
}

/** What a person reads of what may be a slip. */
export function warningText({ code }: EndpointWarning): string {
  return lookUp(t.warnings, code) ?? t.warnings.unresolved_host
}
