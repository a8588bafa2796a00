import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import type { TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/** A server that holds a port, any free one if none is named. */
export async function occupied(port = 0): Promise<{ server: Server; port: number }> {
  const server = createServer().listen(port)
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('a TCP server has a port')
  return { server, port: address.port }
}

/** Ports in a row that are free, below those that the system gives to connections: nobody takes them meanwhile. */
export async function freePorts(count: number): Promise<number[]> {
  for (;;) {
    const first = 10_000 + Math.floor(Math.random() * 20_000)
    const ports = Array.from({ length: count }, (_, i) => first + i)
    const free = await Promise.all(ports.map(isFree))
    if (free.every(Boolean)) return ports
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer().once('error', () => resolve(false))
    server.listen(port, () => server.close(() => resolve(true)))
  })
}

/** Waits for a condition, and fails with what was wanted and what was seen. */
export async function waitFor(what: string, seen: () => string, condition: () => boolean): Promise<void> {
  for (const deadline = Date.now() + 30_000; !condition(); await sleep(20)) {
    if (Date.now() > deadline) assert.fail(`no ${what} in:\n${seen()}`)
  }
}

/** `pnpm dev` without pnpm, as the leader of a process group, all of which is gone when the test is over. */
export function dev(t: TestContext, env: Record<string, string>, wrapper: readonly string[] = []) {
  const { PORT: _port, WORKER_PORTS: _ports, FORCE_COLOR: _color, ...rest } = process.env
  const command = [...wrapper, process.execPath, '--require', './scripts/check-node.cjs', 'scripts/dev.ts']
  const child = spawn(command[0] ?? '', command.slice(1), {
    cwd: ROOT,
    env: { ...rest, NODE_NO_WARNINGS: '1', ADMIN: 'off', ...env }, // older Nodes call TypeScript experimental
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  })
  const pid = child.pid ?? 0
  const output = { out: '', err: '' }
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output.out += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (output.err += text))
  t.after(() => {
    if (pid) signal(-pid, 'SIGKILL') // never -0: that is the group of the test itself
  })
  const pids = (): number[] =>
    Array.from(output.out.matchAll(/starts \(pid (\d+)\)/g), ([, found]) => Number(found))
  const says = (what: string) =>
    waitFor(
      what,
      () => output.out + output.err,
      () => output.out.includes(what),
    )
  return { child, pid, output, pids, says, exited: once(child, 'close') }
}

/** A cluster on free ports that has said that it is ready. */
export async function readyDev(
  t: TestContext,
  env: Record<string, string> = {},
  wrapper: readonly string[] = [],
) {
  const [port = 0, ...workerPorts] = await freePorts(4)
  const running = dev(t, { PORT: String(port), WORKER_PORTS: workerPorts.join(','), ...env }, wrapper)
  await running.says('ready; try:')
  await running.says('kill -9')
  return { ...running, url: `http://localhost:${port}/`, port, workerPorts }
}

export function signal(pid: number, name: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, name)
  } catch {
    return false
  }
}

/** A dead process that nobody has collected yet (an orphan in a container without init) is gone too. */
export function isGone(pid: number): boolean {
  if (!signal(pid, 0)) return true
  try {
    return /\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return false
  }
}

export async function allGone(pids: readonly number[]): Promise<void> {
  await waitFor(
    'end of all processes',
    () => pids.filter((pid) => !isGone(pid)).join(),
    () => pids.every(isGone),
  )
}
