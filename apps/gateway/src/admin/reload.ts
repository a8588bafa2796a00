import { reload as reloadFile } from '../reload.ts'
import { ok, type Handler } from './answer.ts'
import { nothing, readJson } from './bodies.ts'
import { faulty, Problem } from './problem.ts'

/** `POST /reload`: reads the config file again. */
export const reload: Handler = async (gateway, req, res) => {
  await readJson(req, res, nothing)
  const { file, env } = gateway.origin
  if (file === undefined)
    throw new Problem(409, 'the gateway has no config file; start it with one to reload it')
  const { at, error, faults } = await reloadFile(gateway, file, env, 'api')
  if (faults.length > 0) throw faulty(faults)
  if (error !== undefined)
    throw new Problem(gateway.isStopping ? 503 : 422, error, { errors: [{ field: '', detail: error }] })
  return ok({ reloaded: new Date(at).toISOString(), file })
}
