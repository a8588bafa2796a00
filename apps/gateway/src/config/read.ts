import { closeSync, constants, fstatSync, openSync, readFileSync, type Stats } from 'node:fs'
import { open } from 'node:fs/promises'

/** Not to wait at a pipe for who writes into it: of that, all that asks the gateway for files would wait. */
const AT_ONCE = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0)
/** No file that a gateway goes by is as long as that, in bytes. */
const MOST = 64 * 1024 ** 2

/** The text of a file as it is now. @throws Error where it is none, is longer than 64 MiB, or cannot be read. */
export async function readNow(path: string): Promise<string> {
  const file = await open(path, AT_ONCE)
  try {
    check(await file.stat(), MOST)
    return await file.readFile('utf8')
  } finally {
    await file.close()
  }
}

/** The same, for files of at most `most` bytes. */
export function readNowSync(path: string, most: number): string {
  const file = openSync(path, AT_ONCE)
  try {
    check(fstatSync(file), most)
    return readFileSync(file, 'utf8')
  } finally {
    closeSync(file)
  }
}

function check(stats: Stats, most: number): void {
  if (!stats.isFile()) throw Object.assign(new Error('it is no file'), { code: 'ENOTFILE' })
  if (stats.size > most) throw Object.assign(new Error(`it has ${stats.size} bytes`), { code: 'EFBIG' })
}
