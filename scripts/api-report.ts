// node scripts/api-report.ts           looks whether each package exports what its api-report.txt says
// node scripts/api-report.ts --write   writes them anew
//
// A review of the change sees in them what breaks for users.
import { readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import process from 'node:process'
import ts from 'typescript'
import { root } from './setup/paths.mjs'
import { exportedFiles, type Package, publishedPackages } from './workspace.ts'

const printer = ts.createPrinter({ removeComments: true })
const sources = new Map<string, ts.SourceFile>()

function parse(file: string): ts.SourceFile {
  const known = sources.get(file)
  if (known) return known
  const source = ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.Latest, true)
  sources.set(file, source)
  return source
}

const isHidden = (member: ts.ClassElement) =>
  (member.name !== undefined && ts.isPrivateIdentifier(member.name)) ||
  ts.isClassStaticBlockDeclaration(member) ||
  (ts.canHaveModifiers(member) &&
    ts.getModifiers(member)?.some(({ kind }) => kind === ts.SyntaxKind.PrivateKeyword) === true)

/** What a user sees of a declaration: no bodies, no values that have a type. */
function signatureOf(declaration: ts.Statement): string {
  const { transformed } = ts.transform(declaration, [
    (context) => (start) => {
      const { factory } = context
      const visit = (node: ts.Node): ts.VisitResult<ts.Node | undefined> => {
        if (ts.isFunctionDeclaration(node)) {
          const { modifiers, asteriskToken, name, typeParameters, parameters, type } = node
          return factory.updateFunctionDeclaration(
            ...([node, modifiers, asteriskToken, name, typeParameters, parameters, type] as const),
            undefined,
          )
        }
        if (ts.isClassElement(node) && isHidden(node)) return undefined
        if (ts.isMethodDeclaration(node)) {
          const { modifiers, asteriskToken, name, questionToken, typeParameters, parameters, type } = node
          return factory.updateMethodDeclaration(
            ...([node, modifiers, asteriskToken, name, questionToken, typeParameters, parameters] as const),
            ...([type, undefined] as const),
          )
        }
        if (ts.isConstructorDeclaration(node)) {
          return factory.updateConstructorDeclaration(node, node.modifiers, node.parameters, undefined)
        }
        if (ts.isPropertyDeclaration(node) && node.type) {
          const { modifiers, name, questionToken, exclamationToken, type } = node
          return factory.updatePropertyDeclaration(
            ...([node, modifiers, name, questionToken ?? exclamationToken, type, undefined] as const),
          )
        }
        if (ts.isVariableDeclaration(node) && node.type) {
          return factory.updateVariableDeclaration(
            node,
            node.name,
            node.exclamationToken,
            node.type,
            undefined,
          )
        }
        return ts.visitEachChild(node, visit, context)
      }
      return ts.visitNode(start, visit) as ts.Statement
    },
  ])
  const [statement] = transformed
  if (!statement) return ''
  return printer.printNode(ts.EmitHint.Unspecified, statement, declaration.getSourceFile())
}

function namesOf(statement: ts.Statement): string[] {
  if (ts.isVariableStatement(statement)) {
    return statement.declarationList.declarations.map(({ name }) => name.getText())
  }
  const isNamed =
    ts.isFunctionDeclaration(statement) ||
    ts.isClassDeclaration(statement) ||
    ts.isInterfaceDeclaration(statement) ||
    ts.isTypeAliasDeclaration(statement)
  return isNamed && statement.name ? [statement.name.text] : []
}

const isExported = (statement: ts.Statement) =>
  ts.canHaveModifiers(statement) &&
  ts.getModifiers(statement)?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword) === true

/** The exports of a file by name, with what a user sees of each. */
function exportsOf(file: string): Map<string, string> {
  const found = new Map<string, string>()
  const add = (name: string, text: string) => {
    const before = found.get(name)
    found.set(name, before ? `${before}\n${text}` : text)
  }
  for (const statement of parse(file).statements) {
    if (ts.isExportDeclaration(statement)) addReexports(file, statement, add)
    else if (isExported(statement)) {
      for (const name of namesOf(statement)) add(name, signatureOf(statement))
    }
  }
  return found
}

function addReexports(
  file: string,
  { moduleSpecifier, exportClause }: ts.ExportDeclaration,
  add: (name: string, text: string) => void,
): void {
  const from = moduleSpecifier && ts.isStringLiteral(moduleSpecifier) ? moduleSpecifier.text : undefined
  const isOwn = from?.startsWith('.') === true
  const theirs = isOwn && from ? exportsOf(join(dirname(file), from)) : undefined
  if (!exportClause) {
    if (theirs) for (const [name, text] of theirs) add(name, text)
    else add(`* from ${from}`, `export * from '${from}'`)
    return
  }
  if (ts.isNamespaceExport(exportClause)) {
    const { text: name } = exportClause.name
    add(name, `export * as ${name} from '${from}'`)
    return
  }
  for (const { name, propertyName } of exportClause.elements) {
    const original = (propertyName ?? name).text
    const text =
      theirs?.get(original) ?? declaredIn(file, original) ?? `export { ${original} } from '${from}'`
    add(name.text, original === name.text ? text : `${text} // as ${name.text}`)
  }
}

/** What a file exports at its end by name. */
function declaredIn(file: string, wanted: string): string | undefined {
  const texts = parse(file)
    .statements.filter((statement) => namesOf(statement).includes(wanted))
    .map(signatureOf)
  return texts.length === 0 ? undefined : texts.join('\n')
}

function entriesOf({ manifest, folder }: Package): [string, string][] {
  return Object.entries(manifest.exports ?? {}).flatMap(([name, targets]) => {
    // Where there are several, for several runtimes, they export the same.
    const [source] = exportedFiles(Object(targets)['@x/source'])
    return source?.endsWith('.ts') ? [[name, join(folder, source)] as [string, string]] : []
  })
}

function reportOf(pkg: Package): string {
  const sections = entriesOf(pkg).map(([entry, file]) => {
    const exported = [...exportsOf(file)].toSorted(([one], [other]) => (one < other ? -1 : 1))
    return [`# ${join(pkg.name, entry)}`, ...exported.map(([, text]) => text)].join('\n\n')
  })
  return `${sections.join('\n\n')}\n`
}

const isWriting = process.argv.includes('--write')
for (const pkg of publishedPackages()) {
  const file = join(pkg.folder, 'api-report.txt')
  const report = reportOf(pkg)
  if (isWriting) {
    writeFileSync(file, report)
    continue
  }
  let written = ''
  try {
    written = readFileSync(file, 'utf8')
  } catch {}
  if (written === report) continue
  console.error(
    `${file.slice(root.length + 1)} does not say what ${pkg.name} exports. If the change is meant: node scripts/api-report.ts --write`,
  )
  process.exitCode = 1
}
