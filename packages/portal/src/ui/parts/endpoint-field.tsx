import { useEffect, useId, useState } from 'react'
import type { Endpoint, Page } from '../api-types.ts'
import { useEndpointNames } from '../endpoint-names.ts'
import { t } from '../preferences.ts'
import { useResource } from '../resources.ts'
import { endpointName } from './endpoint-name.ts'
import { Field } from './field.tsx'

const PAUSE_MS = 300

interface EndpointFieldProps {
  /** An endpoint's id; empty for any. */
  readonly value: string
  readonly onChange: (value: string) => void
}

/** An endpoint to look for: its name is typed, and those that fit are suggested. */
export function EndpointField({ value, onChange }: EndpointFieldProps) {
  const [typed, setTyped] = useState<string>()
  const [sought, setSought] = useState('')
  useEffect(() => {
    const timer = setTimeout(() => setSought(typed?.trim() ?? ''), PAUSE_MS)
    return () => clearTimeout(timer)
  }, [typed])
  const query = new URLSearchParams({ limit: '20', ...(sought === '' ? {} : { search: sought }) })
  const endpoints = useResource<Page<Endpoint>>(`endpoints?${query}`).data?.items ?? []
  const listId = useId()
  const nameOf = useEndpointNames(value === '' ? [] : [value])
  const shown = typed ?? (value === '' ? '' : nameOf(value))
  const choose = (text: string) => {
    const name = text.trim()
    const found = endpoints.find((one) => endpointName(one) === name || one.id === name)
    if (name === '') onChange('')
    else if (found) onChange(found.id)
    else return
    setTyped(undefined)
  }
  return (
    <>
      <Field label={t.deliveries.endpoint}>
        {(control) => (
          <input
            {...control}
            className="input"
            list={listId}
            placeholder={t.deliveries.anyEndpoint}
            value={shown}
            onChange={(event) => {
              setTyped(event.target.value)
              choose(event.target.value)
            }}
            onBlur={() => setTyped(undefined)}
          />
        )}
      </Field>
      <datalist id={listId}>
        {endpoints.map((one) => (
          <option key={one.id} value={endpointName(one)} />
        ))}
      </datalist>
    </>
  )
}
