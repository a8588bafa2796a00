import { showAddress } from '../config/address.ts'
import type { Config } from '../config/config.ts'
import { isSecret, withoutSecrets } from '../config/secrets.ts'
import { parse } from '../config/load.ts'
import { variablesShown, type MayRead } from '../config/source.ts'
import { OwnFrontend } from '../own-frontend.ts'
import { planOf } from '../plan.ts'
import { ok, type Handler } from './answer.ts'
import { readBody } from './bodies.ts'
import { unprocessable } from './problem.ts'

const TYPES = ['application/yaml', 'application/json']

/** Bytes of a config file that is sent. */
const MOST = 1024 ** 2

/** `POST /plan`: what a reload would change if the config file were what is sent. */
export const plan: Handler = async (gateway, req, res) => {
  const text = await readBody(req, res, TYPES, MOST)
  if (text.trim() === '') throw unprocessable([{ field: '', detail: 'the file is empty; send all of it' }])
  return gateway.inTurn(async () => {
    const { pools, listeners, tcp, origin } = gateway
    const config = gateway.config as Config // it answers when it has one
    const counted = [...listeners, ...tcp].map(
      async ({ address, served }) => [showAddress(address), await served.connections()] as const,
    )
    const connections = new Map(await Promise.all(counted))
    const isOne = gateway.frontend instanceof OwnFrontend
    const next = parse('', text, origin.env, shownBy(config)).config
    return ok(planOf({ config, pools, connections, isOne }, gateway.edited(next)))
  })
}

/** Nobody is to learn by a plan what the environment has: only what a config shows anyhow may be seen. */
function shownBy({ text, written }: Config): MayRead {
  const names = variablesShown(text)
  const values = new Set(leaves(withoutSecrets(written)))
  return (name, value, path) => isSecret(path) || names.has(name) || values.has(value)
}

function leaves(value: unknown): string[] {
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(leaves) : [String(value)]
}
