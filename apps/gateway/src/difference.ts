import { isDeepStrictEqual } from 'node:util'
import { showPath, type Path } from './config/fault.ts'
import { HIDDEN, isSecretContent, withoutPasswords } from './config/secrets.ts'

/** A value that would be another. What is not set is left out; times are in ms, sizes in bytes, and secrets hidden. */
export interface Change {
  /** As `timeouts.response`. */
  readonly key: string
  readonly from?: unknown
  readonly to?: unknown
}

/** What differs between two values at a path, each difference as deep as both have the same shape. */
export function differences(from: unknown, to: unknown, path: Path = []): Change[] {
  if (isDeepStrictEqual(from, to)) return []
  if (isPlain(from) && isPlain(to)) {
    const keys = new Set([...Object.keys(from), ...Object.keys(to)])
    return Array.from(keys).flatMap((key) => differences(from[key], to[key], [...path, key]))
  }
  if (Array.isArray(from) && Array.isArray(to) && from.length === to.length)
    return from.flatMap((part, i) => differences(part, to[i], [...path, i]))
  return [
    {
      key: showPath(path),
      ...(from !== undefined && { from: shown(from, path) }),
      ...(to !== undefined && { to: shown(to, path) }),
    },
  ]
}

/** A value as others may see it, and as JSON can say it. */
export function shown(value: unknown, path: Path = []): unknown {
  if (isSecretContent(path)) return HIDDEN
  if (typeof value === 'string')
    return value.includes('-----BEGIN ') ? `(PEM, ${value.length} bytes)` : withoutPasswords(value)
  if (value instanceof RegExp) return String(value)
  if (value instanceof Uint8Array) return `(${value.length} bytes)`
  if (Array.isArray(value)) return value.map((part, i) => shown(part, [...path, i]))
  if (isPlain(value))
    return Object.fromEntries(
      Object.entries(value)
        .filter(([, part]) => part !== undefined)
        .map(([key, part]) => [key, shown(part, [...path, key])]),
    )
  return typeof value === 'object' && value !== null ? `(${value.constructor.name})` : value
}

/** Texts that YAML takes as they are. */
const BARE = /^(?!(?:true|false|null|[\d.]+(?:e\d+)?)$)[\w/(](?:[\w./$()@%+=~*-]|:(?!$))*$/
/** Of a text that many characters are shown. */
const LONGEST = 100

/** A value of JSON as a config file has it on one line. */
export function onOneLine(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(onOneLine).join(', ')}]`
  if (isPlain(value)) {
    const pairs = Object.entries(value).map(([key, part]) => `${onOneLine(key)}: ${onOneLine(part)}`)
    return pairs.length === 0 ? '{}' : `{ ${pairs.join(', ')} }`
  }
  if (typeof value !== 'string') return String(value)
  const text = value.length > LONGEST ? `${value.slice(0, LONGEST - 1)}…` : value
  return BARE.test(text) ? text : JSON.stringify(text)
}

function isPlain(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}
