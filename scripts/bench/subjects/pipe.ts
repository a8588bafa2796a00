import { connect } from 'node:net'
import { inTurn, type OpenedTcp, type Place, type Subject } from '../subject.ts'

/** The least that carries connections in Node: two pipes over workers in turn. Every ratio "vs pipe" is to this. */
export const pipe: Subject = {
  name: 'pipe',
  label: 'Node, bare pipe',
  carries: [],
  start: { kind: 'script', file: import.meta.url },
}

export function open({ backends }: Place): OpenedTcp {
  const next = inTurn(backends.map((backend) => new URL(backend)))
  return {
    connection: (client) => {
      const { hostname: host, port } = next()
      const worker = connect({ host, port: Number(port), allowHalfOpen: true, noDelay: true })
      client.on('error', () => worker.destroy())
      worker.on('error', () => client.destroy())
      client.pipe(worker)
      worker.pipe(client)
    },
  }
}
