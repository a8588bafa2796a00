import { promisify } from 'node:util'
import type { Config } from '../config/config.ts'
import { parse } from '../config/load.ts'
import { placeOf, planOf } from '../plan.ts'
import type { Listener } from '../listeners.ts'
import { ok, type Handler } from './answer.ts'
import { readBody } from './bodies.ts'
import { asProblem } from './files.ts'
import { unprocessable } from './problem.ts'

const TYPES = ['application/yaml', 'application/json']
/** Bytes of a config file that is sent. */
const MOST = 1024 ** 2

/** `POST /plan`: what a reload would change if the config file were what is sent. */
export const plan: Handler = async (gateway, req, res) => {
  const text = await readBody(req, res, TYPES, MOST)
  if (text.trim() === '') throw unprocessable([{ field: '', detail: 'the file is empty; send all of it' }])
  return gateway.inTurn(async () => {
    const { pools, listeners, origin } = gateway
    const config = gateway.config as Config // it answers when it has one
    const connections = new Map(await Promise.all(listeners.map(counted)))
    try {
      return ok(planOf({ config, pools, connections }, gateway.edited(parse('', text, origin.env).config)))
    } catch (error) {
      throw asProblem(error)
    }
  })
}

async function counted({ address, server }: Listener): Promise<[string, number]> {
  return [placeOf(address), await promisify(server.getConnections.bind(server))()]
}
