import {
  checkPool,
  OptionError,
  type Drained,
  type DrainOptions,
  type Pool,
  type PoolOptions,
  type WorkerSpec,
} from '@rondo/balancer'
import type { Request, Response } from 'express'
import { say } from '../access-log.ts'
import { withoutPasswords } from '../config/secrets.ts'
import { withoutUndefined } from '../config/without-undefined.ts'
import { idOf, specOf, toSpec, type Spec } from '../edits.ts'
import type { Gateway } from '../gateway.ts'
import { word } from '../printable.ts'
import type { Answer, Handler } from './answer.ts'
import { added, drained, nothing, readJson, weighted } from './bodies.ts'
import { poolOf, workerOf } from './find.ts'
import { Problem, unprocessable } from './problem.ts'
import { shown } from './stats.ts'

/** `POST /workers/:pool`: one more worker, `{ url, name?, weight? }`. */
export const add: Handler = async (gateway, req, res) => {
  poolOf(gateway, req)
  const spec = withoutUndefined(await readJson(req, res, added))
  return gateway.inTurn(() => {
    const { name, specs, options } = placeOf(gateway, req)
    checkAdded([...specs, spec], options, spec)
    const id = idOf(spec)
    void gateway.edit({ pool: name, id, wanted: spec })
    const { body } = answerOf(gateway, req, 201, id)
    const location = `/workers/${encodeURIComponent(name)}/${encodeURIComponent(id)}`
    return { status: 201, body, headers: { Location: location }, done: `${word(id)} is added to ${name}` }
  })
}

/** `DELETE /workers/:pool/:id`: it is drained as the body says, `{ timeout?, sessions? }`, and leaves. */
export const remove: Handler = (gateway, req, res) =>
  withDrain(gateway, req, res, ({ name, id, isLeaving, specs }, options) => {
    if (!isLeaving && specs.length === 1)
      throw new Problem(
        409,
        `${JSON.stringify(id)} is the last worker of this pool; drain it instead, or add another first`,
      )
    const gone = isLeaving
      ? gateway.perform({ do: 'remove', pool: name, id, options })
      : gateway.edit({ pool: name, id, wanted: undefined }, options)
    void gone?.then((drained) => sayDrained(`${word(id)} has left ${name}`, drained))
    return `${word(id)} leaves ${name}`
  })

/** `POST /workers/:pool/:id/drain`: it gets no new requests; what it has ends as the body says, `{ timeout?, sessions? }`. */
export const drain: Handler = (gateway, req, res) =>
  withDrain(gateway, req, res, ({ name, id }, options) => {
    const over = gateway.perform({ do: 'drain', pool: name, id, options })
    void over?.then((drained) => sayDrained(`${word(id)} of ${name} is drained`, drained))
    return `${word(id)} of ${name} is draining`
  })

/** `POST /workers/:pool/:id/undrain`: it gets requests again; one that was leaving stays. */
export const undrain: Handler = async (gateway, req, res) => {
  placeOf(gateway, req)
  await readJson(req, res, nothing)
  return gateway.inTurn(() => {
    const { name, pool, id, isLeaving } = placeOf(gateway, req)
    const worker = pool.workers.find((one) => one.id === id)
    if (isLeaving && worker) void gateway.edit({ pool: name, id, wanted: specOf(worker) })
    void gateway.perform({ do: 'undrain', pool: name, id })
    return { ...answerOf(gateway, req), done: `${word(id)} of ${name} is not draining` }
  })
}

/** `PUT /workers/:pool/:id/weight`: `{ weight }`. */
export const weigh: Handler = async (gateway, req, res) => {
  placeOf(gateway, req)
  const { weight } = await readJson(req, res, weighted)
  return gateway.inTurn(() => {
    const { name, id, isLeaving, specs } = placeOf(gateway, req)
    const spec = specs.find((one) => idOf(one) === id)
    if (isLeaving || spec === undefined)
      throw new Problem(409, `${JSON.stringify(id)} is leaving this pool; undrain it first`)
    void gateway.edit({ pool: name, id, wanted: { ...toSpec(spec), weight } })
    return { ...answerOf(gateway, req), done: `the weight of ${word(id)} of ${name} is ${weight}` }
  })
}

/** What a path names, as it is at this moment: a pool, and one of its workers where there is an id. */
interface Place {
  readonly name: string
  readonly pool: Pool
  readonly id: string
  /** Whether the worker is still there, and not wanted any more. */
  readonly isLeaving: boolean
  /** What the config in force says of the pool. */
  readonly specs: readonly WorkerSpec[]
  readonly options: PoolOptions
}

/** Asked before a body is read, to answer 404 at once, and again after it, since much may have changed. @throws Problem 404. */
function placeOf(gateway: Gateway, req: Request): Place {
  const { name, pool } = poolOf(gateway, req)
  const { workers: specs = [], options = {} } = gateway.config?.pools.get(name) ?? {}
  const id = req.params['id'] === undefined ? '' : workerOf(pool, req).id
  return { name, pool, id, isLeaving: !specs.some((spec) => idOf(spec) === id), specs, options }
}

async function withDrain(
  gateway: Gateway,
  req: Request,
  res: Response,
  begin: (place: Place, drain: DrainOptions) => string,
): Promise<Answer> {
  placeOf(gateway, req)
  const options = withoutUndefined(await readJson(req, res, drained))
  return gateway.inTurn(() => {
    const place = placeOf(gateway, req)
    const before = answerOf(gateway, req, 202)
    const done = begin(place, options)
    const isGone = !place.pool.workers.some(({ id }) => id === place.id)
    return { ...(isGone ? before : answerOf(gateway, req, 202)), done }
  })
}

function sayDrained(what: string, { cut, calledOff }: Drained): void {
  if (!calledOff) say(`worker ${what}; exchanges that were cut: ${cut}`)
}

/** The worker as it is now. */
function answerOf(gateway: Gateway, req: Request, status = 200, id = req.params['id']): Answer {
  const { name, pool } = poolOf(gateway, req)
  const worker = pool.stats().workers.find((one) => one.id === id)
  return { status, body: worker && shown(name, worker) }
}

/** @throws Problem 409 for a worker that is there, 422 for one that cannot be. */
function checkAdded(specs: readonly WorkerSpec[], options: PoolOptions, spec: Spec): void {
  try {
    checkPool(specs, options)
  } catch (error) {
    if (!(error instanceof OptionError)) throw error
    const [, key] = /^workers\[\d+\](?:\.(\w+))?$/.exec(error.option) ?? []
    const isOther = error.option === 'workers' // beside those that there are
    const field = key ?? (isOther && spec.name !== undefined ? 'name' : 'url')
    const detail = withoutPasswords(error.reason)
    if (isOther) throw new Problem(409, detail, { errors: [{ field, detail }] })
    throw unprocessable([{ field, detail }])
  }
}
