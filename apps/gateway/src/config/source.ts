import {
  isMap,
  isNode,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  visit,
  type Document,
  type Node,
  type Pair,
  type YAMLError,
} from 'yaml'
import { showPath, type Fault, type Path } from './fault.ts'

/** A config file's text, read: its values, and where each stands. */
export interface Source {
  readonly value: unknown
  /** What is wrong with the text itself, or with the variables that it names. */
  readonly faults: readonly Fault[]
  /** A fault at the value of a path, or at what there is of it; with `key`, at that key of it. */
  fault(path: Path, message: string, key?: string): Fault
}

/** Reads YAML, of which JSON is a part. `${NAME}` and `${NAME:-default}` in values stand for environment variables. */
export function readSource(text: string, env: NodeJS.ProcessEnv): Source {
  const lines = new LineCounter()
  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    stringKeys: true,
    logLevel: 'error',
  })
  const at = (path: Path, offset: number | undefined, message: string): Fault => {
    const { line, col } = offset === undefined ? {} : lines.linePos(offset)
    return { path: showPath(path), line, column: col, message }
  }
  const faults = syntaxErrors(document).map((error) =>
    at(keyAt(document, error), error.pos[0], syntax(error, text)),
  )
  if (faults.length === 0)
    substitute(document, env, (path, node, message) => faults.push(at(path, node.range?.[0], message)))
  const value = faults.length === 0 ? valueOf(document, (wrong) => faults.push(at([], 0, wrong))) : undefined
  return {
    value,
    faults,
    fault: (path, message, key) =>
      at(key === undefined ? path : [...path, key], offsetOf(document, path, key), message),
  }
}

/** So often an anchor may be named, directly or by way of others: a short text could make a value without end. */
const MOST_ALIASES = 1000

function valueOf(document: Document, onFault: (wrong: string) => void): unknown {
  try {
    return document.toJS({ maxAliasCount: MOST_ALIASES })
  } catch {
    onFault(
      `has an anchor that is named more than ${MOST_ALIASES} times, by way of others too; write some of it out`,
    )
    return undefined
  }
}

/** Keys that are there twice, and the first other error: what comes after that is mostly its echo. */
function syntaxErrors({ errors, warnings }: Document.Parsed): readonly YAMLError[] {
  const tags = warnings.filter(({ code }) => code === 'TAG_RESOLVE_FAILED')
  const all = [...errors, ...tags].toSorted((one, other) => one.pos[0] - other.pos[0])
  const first = all.findIndex(({ code }) => code !== 'DUPLICATE_KEY')
  return first < 0 ? all : all.slice(0, first + 1)
}

const MISPLACED = 'is no YAML: something is out of place from here on; look for a comma that is missing'

const SYNTAX: { readonly [code in YAMLError['code']]?: string } = {
  DUPLICATE_KEY: 'is there twice; leave one of them out',
  BAD_DQ_ESCAPE: String.raw`is no YAML: a "\" begins no escape here; double it`,
  BLOCK_AS_IMPLICIT_KEY: 'is no YAML: a value has ": " in it; put it in quotes, or on lines of its own',
  BLOCK_IN_FLOW: MISPLACED,
  MULTILINE_IMPLICIT_KEY: MISPLACED,
  MULTIPLE_DOCS: 'is a second document; leave out the "---" and what follows',
  NON_STRING_KEY: 'is no key; give a text',
  TAB_AS_INDENT: 'is no YAML: a tab indents the line; use spaces',
  TAG_RESOLVE_FAILED: 'is a tag, and there are none; put a text that begins with "!" in quotes',
}

/** What is wrong with the text, in words that show none of it: it may be a secret. */
function syntax({ code, message, pos: [offset] }: YAMLError, text: string): string {
  const own = SYNTAX[code]
  if (own) return own
  const line = text.slice(text.lastIndexOf('\n', offset - 1) + 1).split('\n', 1)[0] ?? ''
  const mend = line.includes('${') ? '; within [] and {}, put values with "${" in quotes' : ''
  return `is no YAML: ${message.replace(/(?<=\w): .*$|["'](?=quote$)/s, '')}${mend}`
}

/** The path of the key that an error is about, if it is about one. */
function keyAt(document: Document, { code, pos: [offset] }: YAMLError): Path {
  let found: Path = []
  if (code === 'DUPLICATE_KEY')
    visit(document, {
      Pair(_, pair, above) {
        if (!isNode(pair.key) || pair.key.range?.[0] !== offset) return undefined
        found = pathTo(pair, above)
        return visit.BREAK
      },
    })
  return found
}

type OnFault = (path: Path, node: Node, message: string) => void

/** Puts the environment's values in; tells what no value can come of. */
function substitute(document: Document, env: NodeJS.ProcessEnv, onFault: OnFault): void {
  visit(document, {
    Alias(_, alias, above) {
      const target = alias.resolve(document)
      if (!target || above.includes(target))
        onFault(
          pathTo(alias, above),
          alias,
          'names no anchor before it; put a text that begins with "*" in quotes',
        )
    },
    Scalar(place, node, above) {
      if (place === 'key') {
        if (node.value === '__proto__') onFault(pathTo(node, above), node, 'is no key; give it another name')
      } else if (typeof node.value === 'string')
        node.value = replaced(node.value, env, (message) => onFault(pathTo(node, above), node, message))
    },
  })
}

function replaced(
  text: string,
  env: NodeJS.ProcessEnv,
  onFault: (message: string) => void,
): string | number | boolean {
  const all = text.replaceAll(/\$\{([^}]*)\}?/g, (whole, inside: string) => {
    const [, name, fallback] = /^([A-Za-z_]\w*)(?::-(.*))?$/s.exec(whole.endsWith('}') ? inside : '') ?? []
    if (name === undefined || fallback?.includes('${')) {
      onFault('has a "${" that begins no variable; write it as ${NAME} or ${NAME:-value}')
      return ''
    }
    const value = env[name] || fallback
    if (value === undefined)
      onFault(`the environment has no ${name}; set it, or give a default as \${${name}:-value}`)
    return value ?? ''
  })
  return /^\$\{[^}]*\}$/.test(text) ? typed(all) : all
}

/** What a variable that is a whole value means: numbers and truth values are what they would be in the file. */
function typed(text: string): string | number | boolean {
  if (/^-?\d+(\.\d+)?$/.test(text) && String(Number(text)) === text) return Number(text)
  return text === 'true' ? true : text === 'false' ? false : text
}

/** The path to a node or a pair below `above`, which come from the top. */
function pathTo(node: Node | Pair, above: readonly (Document | Node | Pair)[]): Path {
  return [...above, node].flatMap((part, i, parts): Path => {
    if (isPair(part)) return [isScalar(part.key) ? String(part.key.value) : '?']
    return isSeq(part) && i < parts.length - 1 ? [part.items.indexOf(parts[i + 1])] : []
  })
}

function offsetOf(document: Document, path: Path, key?: string): number | undefined {
  for (let length = path.length; length >= 0; length--) {
    const node = length === 0 ? document.contents : document.getIn(path.slice(0, length), true)
    if (!isNode(node)) continue
    if (length === path.length && key !== undefined && isMap(node)) {
      const pair = node.items.find((item) => isScalar(item.key) && item.key.value === key)
      if (isNode(pair?.key)) return pair.key.range?.[0]
    }
    return node.range?.[0]
  }
  return undefined
}
