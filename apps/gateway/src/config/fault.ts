/** A place in a config file: keys and indexes from the top. */
export type Path = readonly (string | number)[]

/** What is wrong with a config file, and where. */
export interface Fault {
  /** As `pools.api.workers[2].url`; empty for the file as a whole. */
  readonly path: string
  /** From 1; undefined where nothing of the file is the place. */
  readonly line: number | undefined
  readonly column: number | undefined
  /** The value, what is wrong with it, and the mend. */
  readonly message: string
}

/** Why a file cannot be read, by the code of the error. */
export const UNREADABLE: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EISDIR: 'it is a directory; name a file',
  ELOOP: 'its links lead in a circle',
  ENOTFILE: 'it is no file; name one',
  EACCES: 'its permissions forbid it',
}

/** A config file that cannot be used. Its message has a line for each fault. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  readonly faults: readonly Fault[]

  constructor(file: string, faults: readonly Fault[]) {
    super(faults.map((fault) => lineOf(file, fault)).join('\n'))
    this.faults = faults
  }
}

/** A fault as editors and terminals find it: `file:line:column: path: message`. */
export function lineOf(file: string, { line, column, path, message }: Fault): string {
  const place = line === undefined ? '' : `${file}:${line}:${column}`
  return [place || (path === '' ? file : ''), path, message].filter((part) => part !== '').join(': ')
}

/** As `pools.api.workers[2].url`. */
export function showPath(path: Path): string {
  return path.reduce<string>((before, part) => {
    if (typeof part === 'number') return `${before}[${part}]`
    if (!/^[\w$-]+$/.test(part)) return `${before}[${JSON.stringify(part)}]`
    return before === '' ? part : `${before}.${part}`
  }, '')
}

/** Keys whose values are secrets, or may have one in them; those of headers too, such as `x-auth`. */
const SECRET =
  /^sticky$|secret|token|password|passphrase|credential|signature|cookie|\bauth|(api|access|private|shared)-?key/i

/** A value with all that is a secret in it hidden. */
export function withoutSecrets(value: unknown, key = ''): unknown {
  if (Array.isArray(value)) return value.map((part) => withoutSecrets(part, key))
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, withoutSecrets(part, name)]))
  if (SECRET.test(key) && typeof value !== 'boolean') return '(hidden)'
  return typeof value === 'string' ? withoutPasswords(value) : value
}

/** Whether what stands at a path is a secret, or may have one in it. */
export function isSecret(path: Path): boolean {
  const key = path.findLast((part) => typeof part === 'string') ?? ''
  const isKey = key === 'passphrase' || (key === 'key' && path.includes('tls'))
  return isKey || path.includes('secret') || SECRET.test(key)
}

/** A value as an error shows it: in short, and nothing of a secret. */
export function showValue(path: Path, value: unknown): string {
  const key = path.findLast((part) => typeof part === 'string') ?? ''
  if (path.includes('secret') || SECRET.test(key)) return '(hidden)' // that of tls is a file's name here
  const text = asJson(value) ?? String(value)
  return text.length > 100 ? `${text.slice(0, 99)}…` : text
}

/** Without secrets; undefined for what is no JSON. */
function asJson(value: unknown): string | undefined {
  try {
    return JSON.stringify(value, (name, part: unknown) => {
      if (SECRET.test(name)) return '(hidden)'
      return typeof part === 'string' ? withoutPasswords(part) : part
    })
  } catch {
    return '(a value too deep to be shown)'
  }
}

/** A URL, whole or gone wrong: what it begins with, and what stands before its last `@`. */
const WITH_PASSWORD = /^(\s*[a-z][\w+.-]*:[\\/]*(?!\s)|[\\/]{2,})(.*)@/is

/** A text with what URLs in it say before an `@` left out: in the text as a whole, in what it has in quotes, and amid it. */
export function withoutPasswords(text: string): string {
  return withoutPassword(text)
    .replaceAll(/"(?:[^"\\]|\\.)*"/g, (quoted) => `"${withoutPassword(quoted.slice(1, -1))}"`)
    .replaceAll(/\/\/[^/@\s"]*@/g, '//(hidden)@')
}

/** A password may have any characters in it, where nobody has escaped them. */
function withoutPassword(url: string): string {
  const [whole = '', start = '', before = ''] = WITH_PASSWORD.exec(url) ?? []
  const isPath = /^[^:/\\?#]*[/\\?#]/.test(before) // as in https://host/@somebody
  return whole === '' || isPath ? url : `${start}(hidden)@${url.slice(whole.length)}`
}
