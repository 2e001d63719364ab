import { Fragment } from 'react'

/** A text in which `code` stands in backticks. */
export function Prose({ text }: { readonly text: string }) {
  return text.split('`').map((part, index) => (
    // biome-ignore lint/suspicious/noArrayIndexKey: the parts of one text never move
    <Fragment key={index}>{index % 2 === 0 ? part : <code>{part}</code>}</Fragment>
  ))
}
