import { isUtf8 } from 'node:buffer'
import type { Request, Response } from 'express'
import { z } from 'zod'
import { explain } from '../config/explain.ts'
import { showPath } from '../config/fault.ts'
import { withoutPasswords } from '../config/secrets.ts'
import { drain, WEIGHT, workerObject } from '../config/pool-schema.ts'
import type { Source } from '../config/source.ts'
import { parseJson } from './json.ts'
import { Problem, unprocessable } from './problem.ts'

const weight = z.number(WEIGHT).positive(WEIGHT)

/** Of `POST /workers/:pool`. */
export const added = workerObject.extend({ weight: weight.optional() })

/** Of `PUT /workers/:pool/:id/weight`. */
export const weighted = z.strictObject({ weight })

/** Of `POST /workers/:pool/:id/drain` and of `DELETE`. */
export const drained = drain

/** Of what needs none: no body, or `{}`. */
export const nothing = z.strictObject({})

/** Bytes of a body, if nothing else is said. */
const MOST = 64 * 1024

/** The body of a request, of at most `most` bytes, as text; empty for none. @throws Problem 400, 413 or 415. */
export async function readBody(
  req: Request,
  res: Response,
  types: readonly string[],
  most: number = MOST,
): Promise<string> {
  const length = Number(req.headers['content-length'] ?? 0)
  if (length === 0 && req.headers['transfer-encoding'] === undefined) return ''
  checkType(req, types)
  const tooLong = (): Problem => closing(413, `the body has more than ${most} bytes`)
  if (length > most) throw tooLong()
  if (req.headers.expect !== undefined) res.writeContinue()
  const body = await collect(req, most)
  if (!body) throw tooLong()
  if (!isUtf8(body)) throw new Problem(400, 'the body is no UTF-8')
  return body.toString()
}

function checkType({ headers }: Request, types: readonly string[]): void {
  const { 'content-type': given = '', 'content-encoding': coding = 'identity' } = headers
  const [, type = '', charset = 'utf-8'] =
    /^\s*([^;\s]*)\s*(?:;\s*charset="?([\w-]+)"?\s*)?$/i.exec(given) ?? []
  if (!types.includes(type.toLowerCase()) || charset.toLowerCase() !== 'utf-8')
    throw closing(415, `the Content-Type ${JSON.stringify(given)} is not served; send ${types.join(' or ')}`)
  if (coding !== 'identity') throw closing(415, 'the body is compressed; send it as it is')
}

/** Undefined for one with more bytes. */
async function collect(req: Request, most: number): Promise<Buffer | undefined> {
  const chunks: Buffer[] = []
  let length = 0
  try {
    for await (const chunk of req.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      length += chunk.length
      if (length > most) return undefined
      chunks.push(chunk)
    }
  } catch {
    throw closing(400, 'the body broke off')
  }
  return Buffer.concat(chunks)
}

/** A body of JSON, checked. @throws Problem 400, 413, 415 or 422, which names what is wrong. */
export async function readJson<T>(req: Request, res: Response, schema: z.ZodType<T>): Promise<T> {
  const body = await readBody(req, res, ['application/json'])
  const value = body.trim() === '' ? {} : parseJson(body)
  const result = schema.safeParse(value, { reportInput: true })
  if (result.success) return result.data
  const known = z.toJSONSchema(schema, { io: 'input' })
  const faults = result.error.issues.flatMap((issue) => explain(issue, WITHOUT_LINES, [], known))
  throw unprocessable(faults.map(({ path, message }) => ({ field: path, detail: withoutPasswords(message) })))
}

/** A body has no lines that would help to find a fault. */
const WITHOUT_LINES: Pick<Source, 'fault'> = {
  fault: (path, message, key) => ({
    path: showPath(key === undefined ? path : [...path, key]),
    line: undefined,
    column: undefined,
    message,
  }),
}

/** What is left of the body is not waited for. */
function closing(status: number, detail: string): Problem {
  return new Problem(status, detail, { headers: { Connection: 'close' } })
}
