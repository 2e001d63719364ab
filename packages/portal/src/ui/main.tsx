import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { App } from './app.tsx'
import { joinFrame } from './frame.ts'
import { openLinkOfAddress } from './open-link.ts'
import { chooseLocale, initialLocale } from './preferences.ts'
import './styles/base.css'
import './styles/shell.css'
import './styles/surfaces.css'
import './styles/forms.css'
import './styles/tables.css'
import './styles/charts.css'

const root = document.getElementById('root')
joinFrame()
if (root) {
  await chooseLocale(initialLocale())
  await openLinkOfAddress()
  createRoot(root).render(
    <StrictMode>
      <App />
    </StrictMode>,
  )
}
