import { type FormEvent, useEffect, useState } from 'react'
import { ask } from '../http.ts'
import { BackLink, Brand } from '../parts/brand.tsx'
import { Button } from '../parts/button.tsx'
import { Field } from '../parts/field.tsx'
import { ProblemNote } from '../parts/problem-note.tsx'
import { t } from '../preferences.ts'
import { problemText } from '../problem-text.ts'
import type { SessionState } from '../session.ts'
import { useAction } from '../use-action.ts'

/** What whoever is not signed in sees. */
export function SignInPage({ state }: { readonly state: SessionState }) {
  const { session, link, problem } = state
  useEffect(() => {
    document.title = t.shell.title
  }, [])
  return (
    <main className="sign-in">
      <div className="card">
        <div className="card-body stack">
          <div className="row">
            <h1 className="brand">
              <Brand appearance={session?.appearance} />
            </h1>
          </div>
          <ProblemNote problem={problem} />
          {problem && !session && <Button onClick={() => void state.look()}>{t.common.tryAgain}</Button>}
          {!problem && !session && <p role="status">{t.common.loading}</p>}
          {session?.signIn && <SignInForm label={session.signIn.label} onSignedIn={state.look} />}
          {session && !session.signIn && <p>{link || problem ? t.signIn.openAgain : t.signIn.elsewhere}</p>}
          {session && <BackLink session={session} link={link} />}
        </div>
      </div>
    </main>
  )
}

interface SignInFormProps {
  readonly label: string
  readonly onSignedIn: () => Promise<void>
}

function SignInForm({ label, onSignedIn }: SignInFormProps) {
  const [token, setToken] = useState('')
  const signing = useAction(async () => {
    await ask('POST', 'session', { token: token.trim() })
    await onSignedIn()
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    void signing.run()
  }
  return (
    <form className="stack" onSubmit={submit}>
      <Field
        label={label}
        hint={t.signIn.hint}
        error={signing.problem?.field === 'token' ? problemText(signing.problem) : undefined}
      >
        {(control) => (
          <input
            {...control}
            className="input"
            type="password"
            autoComplete="current-password"
            required
            value={token}
            onChange={(event) => setToken(event.target.value)}
          />
        )}
      </Field>
      <ProblemNote problem={signing.problem} except={(field) => field === 'token'} />
      <Button kind="primary" type="submit" isBusy={signing.isBusy}>
        {t.signIn.action}
      </Button>
    </form>
  )
}
