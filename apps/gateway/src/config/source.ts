import {
  isAlias,
  isCollection,
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
import { isSecret } from './secrets.ts'
import { withVariables } from './variables.ts'

/** A config file's text, read: its values, and where each stands. */
export interface Source {
  readonly value: unknown
  /** What is wrong with the text itself, or with the variables that it names. */
  readonly faults: readonly Fault[]
  /** A fault at the value of a path, or at what there is of it; with `key`, at that key of it. */
  fault(path: Path, message: string, key?: string): Fault
}

/** Whether a variable of the environment may be read at a place, which is told without indexes. */
export type MayRead = (name: string, value: string, path: Path) => boolean

/** Of faults that many are looked for, lest a text takes long that has nothing else in it. */
export const MOST_FAULTS = 2500

/**
 * Reads YAML, of which JSON is a part. `${NAME}` and `${NAME:-default}` in values stand for environment variables; one
 * that is set where it may not be read is a fault. Takes time in proportion to the text, whatever is in it.
 */
export function readSource(text: string, env: NodeJS.ProcessEnv, mayRead: MayRead = () => true): Source {
  const lines = new LineCounter()
  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    stringKeys: true,
    uniqueKeys: false, // told below: the parser compares each with each
    logLevel: 'error',
  })
  const at = (path: Path, offset: number | undefined, message: string): Fault => {
    const { line, col } = offset === undefined ? {} : lines.linePos(offset)
    return { path: showPath(path), line, column: col, message }
  }
  const faults = syntaxFaults(document, text, at)
  if (faults.length === 0)
    substitute(document, env, mayRead, (path, node, message) => {
      faults.push(at(path, node.range?.[0], message))
      return faults.length < MOST_FAULTS
    })
  const value = faults.length === 0 ? valueOf(document, (wrong) => faults.push(at([], 0, wrong))) : undefined
  return {
    value,
    faults,
    fault: (path, message, key) =>
      at(key === undefined ? path : [...path, key], offsetOf(document, path, key), message),
  }
}

/** So often anchors may be named, directly or by way of others: a short text could make a value without end. */
const MOST_ALIASES = 1000
/** So many values there may be, those that anchors stand for included. */
const MOST_VALUES = 200_000

function valueOf(document: Document, onFault: (wrong: string) => void): unknown {
  const { aliases, values } = sizeOf(document.contents, new Map())
  if (aliases > MOST_ALIASES)
    onFault(
      `has an anchor that is named more than ${MOST_ALIASES} times, by way of others too; write some of it out`,
    )
  else if (values > MOST_VALUES)
    onFault(`has more than ${MOST_VALUES} values, with what its anchors stand for; leave some of it out`)
  else return document.toJS({ maxAliasCount: -1 })
  return undefined
}

interface Size {
  readonly aliases: number
  readonly values: number
}

/** How much a node is when all that is named is written out; `sizes` has those of the anchors before it. */
function sizeOf(node: unknown, sizes: Map<string, Size>): Size {
  if (isPair(node)) return sizeOf(node.value, sizes)
  if (isAlias(node)) {
    const { aliases, values } = sizes.get(node.source) ?? { aliases: 0, values: 0 }
    return { aliases: aliases + 1, values }
  }
  let [aliases, values] = [0, 1]
  if (isCollection(node))
    for (const item of node.items) {
      const size = sizeOf(item, sizes)
      aliases += size.aliases
      values += size.values
    }
  if (isNode(node) && node.anchor !== undefined) sizes.set(node.anchor, { aliases, values })
  return { aliases, values }
}

type Placed = (path: Path, offset: number | undefined, message: string) => Fault

/** Keys that are there twice, and the first other error: what comes after that is mostly its echo. */
function syntaxFaults(document: Document.Parsed, text: string, at: Placed): Fault[] {
  const { errors, warnings } = document
  const tags = warnings.filter(({ code }) => code === 'TAG_RESOLVE_FAILED')
  const [first] = [...errors, ...tags].toSorted((one, other) => one.pos[0] - other.pos[0])
  const end = first?.pos[0] ?? Infinity
  const faults: Fault[] = []
  visit(document, {
    Map(_, map, above) {
      const seen = new Set<unknown>()
      for (const { key } of map.items) {
        if (!isScalar(key) || (key.range?.[0] ?? 0) >= end) continue
        if (seen.has(key.value))
          faults.push(at([...pathTo(map, above), String(key.value)], key.range?.[0], TWICE))
        seen.add(key.value)
        if (faults.length >= MOST_FAULTS) return visit.BREAK
      }
      return undefined
    },
  })
  return first && faults.length < MOST_FAULTS ? [...faults, at([], end, syntax(first, text))] : faults
}

const TWICE = 'is there twice; leave one of them out'
const MISPLACED = 'is no YAML: something is out of place from here on; look for a comma that is missing'

const SYNTAX: { readonly [code in YAMLError['code']]?: string } = {
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

/** Takes a fault; whether to look for more. */
type OnFault = (path: Path, node: Node, message: string) => boolean

/** Puts the environment's values in; tells what no value can come of. */
function substitute(document: Document, env: NodeJS.ProcessEnv, mayRead: MayRead, onFault: OnFault): void {
  const anchors = new Map<string, Node>()
  let goesOn = true
  const fault = (node: Node, above: readonly (Document | Node | Pair)[], message: string): void => {
    goesOn &&= onFault(pathTo(node, above), node, message)
  }
  const next = (): symbol | undefined => (goesOn ? undefined : visit.BREAK)
  visit(document, {
    Collection(_, node) {
      if (node.anchor !== undefined) anchors.set(node.anchor, node)
    },
    Alias(_, alias, above) {
      const target = anchors.get(alias.source)
      if (!target || above.includes(target))
        fault(alias, above, 'names no anchor before it; put a text that begins with "*" in quotes')
      return next()
    },
    Scalar(place, node, above) {
      if (node.anchor !== undefined) anchors.set(node.anchor, node)
      if (place === 'key') {
        if (node.value === '__proto__') fault(node, above, 'is no key; give it another name')
      } else if (typeof node.value === 'string' && node.value.includes('${')) {
        const isNamed = [node, ...above].some(
          (part) => isNode(part) && !isAlias(part) && part.anchor !== undefined,
        )
        const path = isNamed ? [] : keysTo(above) // what has an anchor may stand elsewhere too
        const reads = (name: string, value: string): boolean => mayRead(name, value, path)
        node.value = withVariables(node.value, env, reads, (message) => fault(node, above, message))
      }
      return next()
    },
  })
}

/** The variables that a text names where no secret stands. */
export function variablesShown(text: string): Set<string> {
  const names = new Set<string>()
  visit(parseDocument(text, { stringKeys: true, uniqueKeys: false, logLevel: 'error' }), {
    Scalar(place, { value }, above) {
      if (place === 'key' || typeof value !== 'string' || !value.includes('${')) return
      if (isSecret(keysTo(above))) return
      for (const [, name = ''] of value.matchAll(/\$\{([A-Za-z_]\w*)/g)) names.add(name)
    },
  })
  return names
}

/** The keys on the way to what stands below `above`. */
function keysTo(above: readonly (Document | Node | Pair)[]): string[] {
  return above.flatMap((part) => (isPair(part) && isScalar(part.key) ? [String(part.key.value)] : []))
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
