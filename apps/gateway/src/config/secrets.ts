import type { Path } from './fault.ts'

/** What is shown in the place of a secret. */
export const HIDDEN = '(hidden)'

/** Keys whose values are secrets, or may have one in them; those of headers too, such as `x-auth`. */
const SECRET =
  /^sticky$|secret|token|password|passphrase|credential|signature|cookie|\bauth|(api|access|private|shared)-?key/i

/** A value with all that is a secret in it hidden. */
export function withoutSecrets(value: unknown, key = ''): unknown {
  if (Array.isArray(value)) return value.map((part) => withoutSecrets(part, key))
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, withoutSecrets(part, name)]))
  if (SECRET.test(key) && typeof value !== 'boolean') return HIDDEN
  return typeof value === 'string' ? withoutPasswords(value) : value
}

/** Whether what stands at a path of a file is a secret, or may have one in it: the key of a certificate is a file's name there. */
export function isSecret(path: Path): boolean {
  return path.includes('secret') || SECRET.test(keyOf(path))
}

/** The same of a config, which has the contents of files in the place of their names. */
export function isSecretContent(path: Path): boolean {
  return isSecret(path) || (keyOf(path) === 'key' && path.includes('tls'))
}

function keyOf(path: Path): string {
  return path.findLast((part) => typeof part === 'string') ?? ''
}

/** A value as an error shows it: in short, and nothing of a secret. */
export function showValue(path: Path, value: unknown): string {
  if (isSecret(path)) return HIDDEN
  const text = asJson(value) ?? String(value)
  return text.length > 100 ? `${text.slice(0, 99)}…` : text
}

/** Without secrets, and without all that stands below such a key: it may be misspelt there. Undefined for what is no JSON. */
function asJson(value: unknown): string | undefined {
  try {
    return JSON.stringify(value, (name, part: unknown) => {
      if (SECRET.test(name)) return HIDDEN
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
    .replaceAll(/\/\/[^/@\s"]*@/g, `//${HIDDEN}@`)
}

/** A password may have any characters in it, where nobody has escaped them. */
function withoutPassword(url: string): string {
  const [whole = '', start = '', before = ''] = WITH_PASSWORD.exec(url) ?? []
  const isPath = /^[^:/\\?#]*[/\\?#]/.test(before) // as in https://host/@somebody
  return whole === '' || isPath ? url : `${start}${HIDDEN}@${url.slice(whole.length)}`
}
