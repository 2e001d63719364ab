import { build } from 'vite'

/** Bundles an installed module for browsers, as a stranger's build would; answers the code. */
export async function bundleForBrowsers(root: string, entry: string): Promise<string> {
  const result = await build({
    root,
    configFile: false,
    logLevel: 'silent',
    build: { write: false, minify: false, lib: { entry, formats: ['es'], fileName: 'bundle' } },
  })
  return [result]
    .flat()
    .flatMap((part) => ('output' in part ? part.output : []))
    .map((chunk) => ('code' in chunk ? chunk.code : ''))
    .join('')
}
