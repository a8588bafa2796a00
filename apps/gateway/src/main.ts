import { createPool, httpProxy, loadBalance, OptionError, type Forwarder, type Pool } from '@rondo/balancer'
import { logLiveness, say } from './access-log.ts'
import { createApp } from './app.ts'
import { readEnvironment, type Environment, type ForwarderName } from './environment.ts'
import { createGatewayServer, listen } from './server.ts'
import { gracefully } from './shutdown.ts'

/** How long a shutdown waits for what is in flight, in ms. */
const SHUTDOWN_BOUND = 30_000

try {
  await run(readEnvironment(process.env))
} catch (error) {
  console.error('rondo:', error instanceof OptionError ? error.message : error)
  process.exit(1)
}

async function run({ port, workers, forwarder }: Environment): Promise<void> {
  const pool = openPool(workers)
  const balance = loadBalance(pool, { forwarder: await openForwarder(forwarder) })
  const server = createGatewayServer(createApp(pool, balance), balance)
  const shutDown = gracefully(server)
  logLiveness(pool)
  const bound = await listen(server, port)
  say(
    `gateway listens on http://localhost:${bound}, workers ${pool.workers.map((worker) => worker.id).join(', ')}`,
  )

  let stopping = false
  function onSignal(signal: NodeJS.Signals): void {
    if (stopping) process.exit(1)
    stopping = true
    void stop(signal)
  }
  process.on('SIGTERM', onSignal).on('SIGINT', onSignal)

  async function stop(signal: NodeJS.Signals): Promise<void> {
    say(`${signal}: finishing what is in flight`)
    const whole = await shutDown(SHUTDOWN_BOUND)
    await balance.close({ timeout: 1000 }) // all is over; what was cut ends in a moment
    await pool.close()
    say(
      whole
        ? 'gateway stopped'
        : `gateway stopped; what was not over after ${SHUTDOWN_BOUND / 1000} s was cut`,
    )
    process.exit(0)
  }
}

/** Loads undici only where it is wanted. */
async function openForwarder(name: ForwarderName): Promise<Forwarder> {
  if (name === 'http-proxy') return httpProxy()
  const { undici } = await import('@rondo/balancer/undici')
  return undici()
}

/** The pool's own errors name its option; here that came from a variable. */
function openPool(workers: readonly string[]): Pool {
  try {
    return createPool(workers)
  } catch (error) {
    if (!(error instanceof OptionError)) throw error
    throw new OptionError('WORKERS', workers.join(','), `is not a list of workers: ${error.message}`)
  }
}
