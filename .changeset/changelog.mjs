// What stands in a CHANGELOG.md: the text of each changeset. All packages share one version, so that which of them
// depends on which says nothing.
export async function getReleaseLine({ summary }) {
  const [first, ...rest] = summary.split('\n')
  return [`- ${first}`, ...rest.map((line) => (line === '' ? '' : `  ${line}`))].join('\n')
}

export async function getDependencyReleaseLine() {
  return ''
}
