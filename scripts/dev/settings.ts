export interface Settings {
  /** The gateway's port; one that was asked for is taken or refused, never moved. */
  readonly gatewayPort: { readonly value: number; readonly given: boolean }
  readonly workerPorts: readonly number[]
}

/** PORT (8080) and WORKER_PORTS (3001,3002,3003). An empty variable counts as unset; throws one line for a bad one. */
export function readSettings(env: NodeJS.ProcessEnv): Settings {
  const { PORT, WORKER_PORTS } = env
  const gatewayPort = { value: PORT ? portIn('PORT', PORT, PORT) : 8080, given: Boolean(PORT) }
  const workerPorts = WORKER_PORTS
    ? WORKER_PORTS.split(',').map((port) => portIn('WORKER_PORTS', WORKER_PORTS, port.trim()))
    : [3001, 3002, 3003]
  checkApart(gatewayPort, workerPorts, WORKER_PORTS)
  return { gatewayPort, workerPorts }
}

function portIn(variable: string, value: string, port: string): number {
  const number = /^\d+$/.test(port) ? Number(port) : Number.NaN
  if (number >= 1 && number <= 65_535) return number
  const mend =
    variable === 'PORT'
      ? 'set it to a port from 1 to 65535'
      : 'set it to ports from 1 to 65535, like 4001,4002,4003'
  throw new Error(`${variable} is ${JSON.stringify(value)}: ${mend}`)
}

function checkApart(gateway: Settings['gatewayPort'], workers: readonly number[], list?: string): void {
  if (new Set(workers).size < workers.length) {
    throw new Error(`WORKER_PORTS is ${JSON.stringify(list)}: set it to ports that differ, one a worker`)
  }
  if (gateway.given && workers.includes(gateway.value)) {
    throw new Error(`PORT is ${gateway.value}, which is a worker's port: set PORT or WORKER_PORTS to another`)
  }
}
