import { OptionError } from '../errors.ts'
import type { Worker } from '../worker.ts'

/**
 * The short name of each worker in the plain metrics view: its own name if it has one, else its port where no
 * other worker of the pool has it, else `host_port`; all made safe for metric names.
 * @throws OptionError if two workers would get the same.
 */
export function metricNames(workers: readonly Worker[]): Map<Worker, string> {
  const ports = new Map<number, number>()
  for (const { port } of workers) ports.set(port, (ports.get(port) ?? 0) + 1)

  const names = new Map<Worker, string>()
  const owners = new Map<string, Worker>()
  for (const worker of workers) {
    const named = worker.id !== `${worker.url.hostname}:${worker.port}`
    const short = !named && ports.get(worker.port) === 1 ? String(worker.port) : worker.id
    const name = short.replaceAll(/[^a-zA-Z0-9_]/g, '_')
    const owner = owners.get(name)
    if (owner)
      throw new OptionError(
        'workers',
        worker.id,
        `and "${owner.id}" would both be "${name}" in the metrics; give one of them another name`,
      )
    owners.set(name, worker)
    names.set(worker, name)
  }
  return names
}
