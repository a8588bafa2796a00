import { createServer, type Server } from 'node:http'
import type { TestContext } from 'node:test'
import express, { type ErrorRequestHandler, type Express } from 'express'
import {
  answerError,
  createPool,
  loadBalance,
  metrics,
  type LoadBalance,
  type LoadBalanceOptions,
  type Pool,
  type PoolOptions,
  type WorkerSpec,
} from '../../src/index.ts'
import { invariants } from './invariants.ts'
import { lastly } from './lastly.ts'
import { listen } from './listen.ts'
import { trusted } from './tls-workers.ts'

export interface TestApp {
  readonly pool: Pool
  readonly balance: LoadBalance
  readonly server: Server
  readonly port: number
  readonly url: string
  /** What `loadBalance` gave to `next`. */
  readonly errors: unknown[]
}

/** A poller that finds everybody well once and then takes its time: what requests do is theirs alone. */
export const STEADY: PoolOptions = { health: { schedule: '0 0 0 1 1 *', probe: async () => {} } }

interface AppOptions extends LoadBalanceOptions {
  readonly pool?: PoolOptions
  /** Sets up the app before loadBalance is mounted. */
  readonly before?: (app: Express) => void
  /** Path that loadBalance is mounted under. */
  readonly mount?: string
}

/** An Express app with `/metrics` and `loadBalance`, that handles upgrades and remembers errors. */
export async function startApp(
  t: TestContext,
  workers: readonly WorkerSpec[],
  { pool: poolOptions = STEADY, before, mount = '/', ...options }: AppOptions = {},
): Promise<TestApp> {
  const { pool, balance } = startBalance(t, workers, poolOptions, options)
  const errors: unknown[] = []
  const onError: ErrorRequestHandler = (error, req, res, _next) => {
    errors.push(error)
    answerError(error, req, res)
  }
  const app = express()
  before?.(app)
  app.use(metrics(pool))
  app.use(mount, balance)
  app.use(onError)
  const server = createServer(app)
  return { pool, balance, errors, ...(await open(t, server, balance)) }
}

/** The same without Express: `loadBalance` is all the server has. */
export async function startPlainApp(
  t: TestContext,
  workers: readonly WorkerSpec[],
  { pool: poolOptions = STEADY, ...options }: LoadBalanceOptions & { pool?: PoolOptions } = {},
): Promise<TestApp> {
  const { pool, balance } = startBalance(t, workers, poolOptions, options)
  const server = createServer((req, res) => void balance(req, res))
  return { pool, balance, errors: [], ...(await open(t, server, balance)) }
}

function startBalance(
  t: TestContext,
  workers: readonly WorkerSpec[],
  poolOptions: PoolOptions,
  options: LoadBalanceOptions,
): Pick<TestApp, 'pool' | 'balance'> {
  const pool = createPool(workers, { ...trusted(), ...poolOptions })
  const hold = invariants(pool, poolOptions.health?.probe === STEADY.health?.probe)
  const balance = loadBalance(pool, options)
  t.after(async () => {
    await balance.close({ timeout: 1 }) // what is under way is of no interest any more
    await pool.close({ timeout: 1 })
  })
  lastly(t, hold)
  return { pool, balance }
}

async function open(
  t: TestContext,
  server: Server,
  balance: LoadBalance,
): Promise<Pick<TestApp, 'server' | 'port' | 'url'>> {
  server.on('upgrade', (req, socket, head) => void balance.upgrade(req, socket, head))
  const port = await listen(t, server)
  return { server, port, url: `http://127.0.0.1:${port}` }
}
