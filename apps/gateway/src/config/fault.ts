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
