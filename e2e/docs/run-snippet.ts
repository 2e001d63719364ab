import { spawnSync } from 'node:child_process'
import { copyFile, mkdir, mkdtemp, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { root } from '../../scripts/setup/paths.mjs'

/** How the snippet of one language is made a program that judges requests, one on each line of its input. */
interface SnippetLanguage {
  /** What the page's code blocks are marked with. */
  readonly fence: string
  /** The programs that it takes. */
  readonly needs: readonly string[]
  readonly snippetFile: string
  readonly mainFile: string
  readonly otherFiles?: Readonly<Record<string, string>>
  readonly commands: readonly (readonly [string, ...string[]])[]
  /** Whether `commands` build before they run, with packages that the machine may not be able to fetch. */
  readonly fetches?: readonly [string, ...string[]]
}

const cargoToml = `[package]
name = "snippets"
version = "0.0.0"
edition = "2021"
[dependencies]
base64 = "0.22"
hmac = "0.12"
sha2 = "0.10"
[[bin]]
name = "snippets"
path = "main.rs"
`
const csproj = `<Project Sdk="Microsoft.NET.Sdk"><PropertyGroup>
<OutputType>Exe</OutputType><TargetFramework>net8.0</TargetFramework><RollForward>Major</RollForward>
<ImplicitUsings>enable</ImplicitUsings><Nullable>enable</Nullable>
</PropertyGroup></Project>`

/** In the order of the page. */
export const languages: Readonly<Record<string, SnippetLanguage>> = {
  Python: {
    fence: 'python',
    needs: ['python3'],
    snippetFile: 'snippet.py',
    mainFile: 'main.py',
    commands: [['python3', 'main.py']],
  },
  Go: {
    fence: 'go',
    needs: ['go'],
    snippetFile: 'webhook/webhook.go',
    mainFile: 'main.go',
    otherFiles: { 'go.mod': 'module snippets\n\ngo 1.19\n' },
    commands: [['go', 'run', '.']],
  },
  Ruby: {
    fence: 'ruby',
    needs: ['ruby'],
    snippetFile: 'snippet.rb',
    mainFile: 'main.rb',
    commands: [['ruby', 'main.rb']],
  },
  PHP: {
    fence: 'php',
    needs: ['php'],
    snippetFile: 'snippet.php',
    mainFile: 'main.php',
    commands: [['php', 'main.php']],
  },
  Java: {
    fence: 'java',
    needs: ['javac', 'java'],
    snippetFile: 'Webhook.java',
    mainFile: 'Main.java',
    commands: [
      ['javac', 'Webhook.java', 'Main.java'],
      ['java', 'Main'],
    ],
  },
  'C#': {
    fence: 'csharp',
    needs: ['dotnet'],
    snippetFile: 'Webhook.cs',
    mainFile: 'Main.cs',
    otherFiles: { 'snippets.csproj': csproj },
    commands: [['dotnet', 'run']],
  },
  Rust: {
    fence: 'rust',
    needs: ['cargo'],
    snippetFile: 'snippet.rs',
    mainFile: 'main.rs',
    otherFiles: { 'Cargo.toml': cargoToml },
    fetches: ['cargo', 'fetch', '--quiet'],
    commands: [['cargo', 'run', '--quiet', '--offline']],
  },
  Elixir: {
    fence: 'elixir',
    needs: ['elixir'],
    snippetFile: 'snippet.exs',
    mainFile: 'main.exs',
    commands: [['elixir', 'main.exs']],
  },
  Perl: {
    fence: 'perl',
    needs: ['perl'],
    snippetFile: 'snippet.pl',
    mainFile: 'main.pl',
    commands: [['perl', 'main.pl']],
  },
  OpenSSL: {
    fence: 'bash',
    needs: ['openssl', 'od', 'sh'],
    snippetFile: 'snippet.sh',
    mainFile: 'main.sh',
    commands: [['sh', 'main.sh']],
  },
}

/** A snippet that is ready to be run, or why it cannot be run here. */
export type PreparedSnippet = { readonly folder: string } | { readonly missing: string }

/** Puts a snippet beside the program that feeds it. */
export async function prepareSnippet(
  language: SnippetLanguage,
  code: string,
  parent: string,
): Promise<PreparedSnippet> {
  const { needs, fetches } = language
  const missing = needs.find((name) => spawnSync('sh', ['-c', `command -v ${name}`]).status !== 0)
  if (missing !== undefined) return { missing: `there is no ${missing}` }
  const folder = await mkdtemp(join(parent, `${language.fence}-`))
  const files = { ...language.otherFiles, [language.snippetFile]: code }
  for (const [name, text] of Object.entries(files)) {
    await mkdir(join(folder, name, '..'), { recursive: true })
    await writeFile(join(folder, name), text)
  }
  await copyFile(join(root, 'e2e/docs/languages', language.mainFile), join(folder, language.mainFile))
  if (fetches !== undefined) {
    const [program, ...args] = fetches
    if (spawnSync(program, args, { cwd: folder }).status !== 0)
      return { missing: 'its packages cannot be fetched' }
  }
  return { folder }
}

/** Runs a prepared snippet on these lines, and gives the lines that it writes. */
export function runSnippet({ commands }: SnippetLanguage, folder: string, input: string): string[] {
  let output = ''
  for (const [program, ...args] of commands) {
    const { status, stdout, stderr, error } = spawnSync(program, args, {
      cwd: folder,
      input,
      encoding: 'utf8',
    })
    if (error) throw error
    if (status !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${status}:\n${stderr}`)
    output = stdout
  }
  return output.split('\n').filter(Boolean)
}
