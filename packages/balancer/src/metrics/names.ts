import { OptionError } from '../errors.ts'
import type { Worker } from '../worker.ts'

/**
 * The short name of each worker in the plain metrics view: its own name if it has one, else its port where no
 * other worker of the pool has it, else `host_port`; all made safe for metric names.
 * @throws OptionError if two workers would get the same, now or once a neighbour of theirs is gone.
 */
export function metricNames(workers: readonly Worker[]): Map<Worker, string> {
  const ports = new Map<number, number>()
  for (const { port } of workers) ports.set(port, (ports.get(port) ?? 0) + 1)

  const names = new Map<Worker, string>()
  const owners = new Map<string, Worker>()
  for (const worker of workers) {
    const short = !isNamed(worker) && ports.get(worker.port) === 1 ? String(worker.port) : worker.id
    const name = short.replaceAll(/[^a-zA-Z0-9_]/g, '_')
    const owner = owners.get(name)
    if (owner) throw clash(worker, owner, name)
    owners.set(name, worker)
    names.set(worker, name)
  }
  for (const worker of workers) {
    const owner = owners.get(String(worker.port))
    if (owner && owner !== worker && !isNamed(worker)) throw clash(worker, owner, String(worker.port))
  }
  return names
}

function isNamed({ id, url, port }: Worker): boolean {
  return id !== `${url.hostname}:${port}`
}

function clash(worker: Worker, owner: Worker, name: string): OptionError {
  const mend = `and "${owner.id}" would both be "${name}" in the metrics; give one of them another name`
  return new OptionError('workers', worker.id, mend)
}
