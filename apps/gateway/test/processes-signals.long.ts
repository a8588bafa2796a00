import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test, type TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { isGone, lines, marked, startCrew } from './crew.ts'
import { get, lastingPort } from './processes.ts'
import { folder, startBackend, startSite, textOf, until } from './reloading.ts'

const GATEWAY = fileURLToPath(new URL('../src/main.ts', import.meta.url))

/** A worker that answers `/held` when it is told to. */
async function startHeld(t: TestContext) {
  const waiting: (() => void)[] = []
  const backend = await startBackend(t, 'held', ({ url }, res) => {
    if (url === '/held') waiting.push(() => res.end('whole'))
    else res.end('at once')
  })
  return { url: backend.url, waiting, go: () => waiting.splice(0).forEach((end) => end()) }
}

/** A gateway that has a process group of its own, as in a terminal or a service. */
async function startGroup(t: TestContext, workers: readonly string[]) {
  const mark = marked(t)
  const file = join(folder(t), 'rondo.yaml')
  const port = await lastingPort()
  const listen = `127.0.0.1:${port}`
  writeFileSync(file, textOf({ processes: 2, listen, admin: 'off', log: 'off', shutdown: '30s', workers }))
  const env = { ...process.env, ...mark.env }
  const child = spawn(process.execPath, [GATEWAY, file], { env, detached: true })
  t.after(() => void (isOver(child) || process.kill(-(child.pid as number), 'SIGKILL')))
  let output = ''
  for (const from of [child.stdout, child.stderr]) from.on('data', (chunk: Buffer) => (output += chunk))
  const said = (text: string): Promise<void> =>
    until(text, () => {
      assert.ok(output.includes(text) || !isOver(child), output)
      return output.includes(text)
    })
  const signal = (name: NodeJS.Signals): boolean => process.kill(-(child.pid as number), name)
  return { child, port, url: `http://127.0.0.1:${port}`, mark, said, signal, output: () => output }
}

function isOver({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null
}

suite('to the leading process of several,', () => {
  test('SIGTERM has requests of all of them finished, and nothing new taken', async (t) => {
    const held = await startHeld(t)
    const crew = await startCrew(t, { workers: [held.url], shutdown: '30s' })
    const all = await lines(t, crew)
    const answers = Promise.all(all.map((one) => one.get('/held')))
    await until('they are under way', () => held.waiting.length === 2)
    const ended = crew.gateway.end('SIGTERM')
    await crew.gateway.line(/SIGTERM: finishing what is in flight/)
    await until('nothing new is taken', () =>
      get(crew.gateway.url).then(
        () => false,
        ({ code }) => /^ECONN(REFUSED|RESET)$/.test(code),
      ),
    )
    held.go()
    assert.deepEqual(
      (await answers).map(({ body }) => body),
      ['whole', 'whole'],
    )
    assert.equal(await ended, 0)
    assert.match(crew.gateway.lines.at(-1) ?? '', / gateway stopped$/)
    assert.ok(all.every(({ pid }) => isGone(pid)))
  })

  test('SIGTERM has what is not over in time cut, and says so', async (t) => {
    const held = await startHeld(t)
    const crew = await startCrew(t, { workers: [held.url], shutdown: '300ms' })
    const [one] = await lines(t, crew)
    const cut = assert.rejects(one?.get('/held') ?? Promise.resolve())
    await until('it is under way', () => held.waiting.length === 1)
    assert.equal(await crew.gateway.end('SIGTERM'), 0)
    await cut
    assert.match(crew.gateway.lines.at(-1) ?? '', /gateway stopped; what was not over after 0\.3 s was cut$/)
  })

  test('a second one ends all at once', async (t) => {
    const held = await startHeld(t)
    const crew = await startCrew(t, { workers: [held.url], shutdown: '10m' })
    const all = await lines(t, crew)
    const cut = Promise.all(all.map((one) => assert.rejects(one.get('/held'))))
    await until('they are under way', () => held.waiting.length === 2)
    const ended = crew.gateway.end('SIGTERM')
    await crew.gateway.line(/SIGTERM: finishing/)
    crew.gateway.child.kill('SIGTERM')
    assert.equal(await ended, 1)
    await cut
    for (const { pid } of all) await until(`${pid} is over`, () => isGone(pid))
  })

  test('SIGKILL ends the others too', async (t) => {
    const held = await startHeld(t)
    const crew = await startCrew(t, { workers: [held.url], shutdown: '10m' })
    const all = await lines(t, crew)
    const cut = Promise.all(all.map((one) => assert.rejects(one.get('/held'))))
    await until('they are under way', () => held.waiting.length === 2)
    crew.gateway.child.kill('SIGKILL')
    await cut
    for (const { pid } of all) await until(`${pid} is over`, () => isGone(pid))
  })

  test('SIGUSR2 has others take all places, and nobody falls', async (t) => {
    const held = await startHeld(t)
    const crew = await startCrew(t, { workers: [held.url], shutdown: '30s' })
    const [one, other] = await lines(t, crew)
    assert.ok(one && other)
    const answer = one.get('/held')
    await until('it is under way', () => held.waiting.length === 1)
    crew.gateway.child.kill('SIGUSR2')
    await crew.gateway.line(/SIGUSR2: processes are replaced/)
    await crew.gateway.line(/all processes are replaced/)
    const now = (await crew.serving()).map(({ pid, number }) => ({ pid, number }))
    assert.deepEqual(
      now.map(({ number }) => number),
      [1, 2],
    )
    assert.ok(now.every(({ pid }) => pid !== one.pid && pid !== other.pid))
    for (const line of await lines(t, crew)) assert.equal((await line.get()).body, 'at once')
    assert.equal((await other.get()).body, 'at once', 'by an old connection')
    held.go()
    assert.equal((await answer).body, 'whole')
    await crew.settled(2)
    const { body } = await get(`${crew.admin}/metrics`, { accept: 'application/openmetrics-text' })
    assert.match(body, /^rondo_process_falls_total 0$/m)
    assert.match(body, /^rondo_requests_total\{.*\} 8$/m)
  })

  test('SIGUSR2 does no harm where it is the only one', async (t) => {
    const held = await startHeld(t)
    const { gateway } = await startSite(t, { listen: 0, workers: [held.url] }, marked(t).env)
    gateway.child.kill('SIGUSR2')
    await gateway.line(/SIGUSR2: there is one process, which takes a restart; /)
    assert.equal((await get(gateway.url)).body, 'at once')
    assert.equal(await gateway.end('SIGTERM'), 0)
  })
})

suite('to all processes of a group at once,', () => {
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    test(`${signal} has a request finished, and leaves nothing`, async (t) => {
      const held = await startHeld(t)
      const group = await startGroup(t, [held.url])
      await group.said('listens on')
      const answer = get(`${group.url}/held`)
      await until('it is under way', () => held.waiting.length === 1)
      const closed = once(group.child, 'close')
      group.signal(signal)
      await group.said(`${signal}: finishing what is in flight`)
      held.go()
      assert.equal((await answer).body, 'whole')
      await closed
      assert.equal(group.child.exitCode, 0, group.output())
      assert.match(group.output(), /gateway stopped\n$/)
      assert.deepEqual(group.mark.pids(), [])
    })

  test('SIGHUP has the file read again, and ends nobody', async (t) => {
    const held = await startHeld(t)
    const group = await startGroup(t, [held.url])
    await group.said('listens on')
    const pids = group.mark.pids()
    group.signal('SIGHUP')
    await group.said('is in force')
    assert.equal((await get(group.url)).body, 'at once')
    assert.deepEqual(group.mark.pids(), pids)
  })

  test('SIGTERM amid the start leaves nothing', async (t) => {
    const held = await startHeld(t)
    const group = await startGroup(t, [held.url])
    const closed = once(group.child, 'close')
    await until('others are on their way', () => group.mark.pids().length > 1)
    group.signal('SIGTERM')
    await closed
    await until('nothing is left', () => group.mark.pids().length === 0)
  })
})
