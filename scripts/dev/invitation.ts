import type { Program } from './program.ts'

/** What to type first: round robin, metrics, failover. */
export function invitation(gatewayPort: number, workers: readonly Program[]): readonly string[] {
  const url = `http://localhost:${gatewayPort}`
  const commands = [
    [`curl ${url}/`, 'each time the next worker answers'],
    [`curl ${url}/metrics`, 'who is alive, and how many requests each has had'],
  ]
  const victim = workers.find(({ pid }) => pid !== undefined)
  if (victim)
    commands.push([`kill -9 ${victim.pid}; curl ${url}/`, `${victim.name} goes down, the others answer`])
  const width = Math.max(...commands.map(([command]) => command?.length ?? 0))
  return ['ready; try:', ...commands.map(([command, effect]) => `  ${command?.padEnd(width)}   # ${effect}`)]
}
