import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { test, type TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'

const MAIN = fileURLToPath(new URL('../src/main.ts', import.meta.url))

function started(t: TestContext, env: Record<string, string>) {
  const { PORT: _port, NAME: _name, ...rest } = process.env
  const child = spawn(process.execPath, [MAIN], {
    env: { ...rest, NODE_NO_WARNINGS: '1', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  t.after(() => child.kill('SIGKILL'))
  return child
}

async function listening(child: ReturnType<typeof started>): Promise<{ line: string; port: number }> {
  const line = String((await once(createInterface(child.stdout), 'line'))[0])
  return { line, port: Number(/localhost:(\d+)$/.exec(line)?.[1]) }
}

async function failure(child: ReturnType<typeof started>): Promise<{ code: unknown; stderr: string }> {
  const [stderr, [code]] = await Promise.all([text(child.stderr), exited(child)])
  return { code, stderr }
}

async function exited(child: ChildProcess): Promise<unknown[]> {
  return once(child, 'exit')
}

test('it says its name and where it listens, and answers there', async (t) => {
  const { line, port } = await listening(started(t, { PORT: '0', NAME: 'anna' }))
  assert.equal(line, `worker anna listens on http://localhost:${port}`)
  assert.match(await (await fetch(`http://localhost:${port}/`)).text(), /^{"worker":"anna"/)
})

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  test(`on ${signal} it exits 0, however many connections are kept open`, async (t) => {
    const child = started(t, { PORT: '0' })
    const { port } = await listening(child)
    await (await fetch(`http://localhost:${port}/`)).text()
    child.kill(signal)
    assert.deepEqual(await exited(child), [0, null])
  })
}

test('a taken port is one line that names PORT, and exit code 1', async (t) => {
  const other = createServer().listen(0)
  t.after(() => other.close())
  await once(other, 'listening')
  const address = other.address()
  const port = typeof address === 'object' ? address?.port : undefined
  assert.deepEqual(await failure(started(t, { PORT: String(port) })), {
    code: 1,
    stderr: `worker: PORT is ${port}, but that port is taken: set PORT to a free one\n`,
  })
})

for (const port of ['abc', '-1', '65536', '80.5', ' 80', '1e3']) {
  test(`PORT=${JSON.stringify(port)} is one line that names PORT, its value and the mend`, async (t) => {
    assert.deepEqual(await failure(started(t, { PORT: port })), {
      code: 1,
      stderr: `worker: PORT is ${JSON.stringify(port)}: set it to a whole number from 0 to 65535\n`,
    })
  })
}
