import { createServer } from 'node:net'
import type { Settings } from './settings.ts'

export interface Ports {
  readonly gatewayPort: number
  readonly workerPorts: readonly number[]
  /** Set when the gateway's default port was taken: the line that says so. */
  readonly moved?: string
}

/** How many ports after the gateway's default one are tried. */
const TRIES = 100

/** Makes sure that every port is free before anything starts; throws one line about the first that is not. */
export async function findPorts({ gatewayPort, workerPorts }: Settings): Promise<Ports> {
  for (const port of workerPorts) {
    const taken = await whyTaken(port)
    if (taken)
      throw new Error(`worker port ${port} ${taken}: set WORKER_PORTS to free ports, like 4001,4002,4003`)
  }
  const { value, given } = gatewayPort
  const taken = workerPorts.includes(value) ? 'is a worker’s' : await whyTaken(value)
  if (!taken) return { gatewayPort: value, workerPorts }
  if (given) throw new Error(`PORT is ${value}, and that port ${taken}: set PORT to a free one`)
  const next = await nextFree(value, workerPorts)
  return { gatewayPort: next, workerPorts, moved: `port ${value} ${taken}: the gateway takes ${next}` }
}

async function nextFree(from: number, except: readonly number[]): Promise<number> {
  for (let port = from + 1; port <= from + TRIES; port++) {
    if (!except.includes(port) && !(await whyTaken(port))) return port
  }
  throw new Error(`ports ${from} to ${from + TRIES} are taken: set PORT to a free one`)
}

/** Why nobody can listen on `port`; `undefined` when it is free. */
function whyTaken(port: number): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve('is taken')
      else if (error.code === 'EACCES') resolve('is not yours to listen on')
      else reject(error)
    })
    server.listen(port, () => server.close(() => resolve(undefined)))
  })
}
