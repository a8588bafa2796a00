import assert from 'node:assert/strict'
import { test } from 'node:test'
import { findPorts } from '../dev/ports.ts'
import { allGone, dev, freePorts, isGone, occupied, readyDev, signal } from './processes.ts'
import { serving, standIns } from './stand-ins.ts'

async function answeredBy(url: string): Promise<string> {
  const res = await fetch(url)
  const body = await res.text()
  assert.equal(res.status, 200, body)
  return /"worker":"(\d+)"/.exec(body)?.[1] ?? body
}

async function answers(url: string, count: number): Promise<string[]> {
  const names: string[] = []
  while (names.length < count) names.push(await answeredBy(url))
  return names
}

test('pnpm dev says when it is ready, with lines to try, and then the workers take turns', async (t) => {
  const { url, port, workerPorts, output } = await readyDev(t, {
    NAME: 'somebody',
    WORKERS: 'http://localhost:1',
  })
  const names = await answers(url, 6)
  assert.deepEqual(names.slice(0, 3).toSorted(), workerPorts.map(String).toSorted())
  assert.deepEqual(names.slice(3), names.slice(0, 3))
  assert.match(output.out, new RegExp(`curl http://localhost:${port}/ `))
  assert.match(output.out, new RegExp(`curl http://localhost:${port}/metrics `))
  for (const line of output.out.trim().split('\n')) assert.match(line, /^(dev|gateway|worker \d+) +\| /)
})

test('a worker that is killed stays down, with one line that says so, and requests still succeed', async (t) => {
  const { url, workerPorts, output, says } = await readyDev(t)
  const [, pid, victim] = /kill -9 (\d+);.*# (worker \d+) goes down/.exec(output.out) ?? []
  signal(Number(pid), 'SIGKILL')
  await says(`${victim} is down (SIGKILL)`)
  const left = workerPorts.map(String).filter((name) => victim !== `worker ${name}`)
  for (const name of await answers(url, 6)) assert.ok(left.includes(name), name)
  assert.equal(output.out.split(`${victim} is down`).length, 2)
  assert.equal(isGone(Number(pid)), true)
})

for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  test(`${name} to the process group ends everything, with exit code 0`, async (t) => {
    const { pid, pids, exited, output } = await readyDev(t)
    assert.equal(pids().length, 4)
    signal(-pid, name)
    assert.deepEqual(await exited, [0, null])
    assert.deepEqual(
      pids().filter((each) => !isGone(each)),
      [],
    )
    assert.doesNotMatch(output.out, /is down/)
  })
}

test('SIGTERM to dev.ts alone ends everything too', async (t) => {
  const { child, pids, exited } = await readyDev(t)
  child.kill('SIGTERM')
  assert.deepEqual(await exited, [0, null])
  assert.deepEqual(
    pids().filter((each) => !isGone(each)),
    [],
  )
})

test('nothing is left behind when dev.ts is killed without a chance to tidy up', async (t) => {
  const { child, pids } = await readyDev(t)
  child.kill('SIGKILL')
  await allGone(pids())
})

test('nothing is left behind when the parent of dev.ts disappears', async (t) => {
  const { child, pids, says } = await readyDev(t, {}, [
    'sh',
    '-c',
    '"$@" & echo "starts (pid $!)"; wait',
    'sh',
  ])
  assert.equal(pids().length, 5)
  child.kill('SIGKILL')
  await says('the terminal is gone')
  await allGone(pids())
})

test('a taken PORT is one line that says what to set, and exit code 1', async (t) => {
  const { server, port } = await occupied()
  t.after(() => server.close())
  const { exited, output } = dev(t, { PORT: String(port), WORKER_PORTS: (await freePorts(3)).join(',') })
  assert.deepEqual(await exited, [1, null])
  assert.deepEqual(output, {
    out: '',
    err: `dev: PORT is ${port}, and that port is taken: set PORT to a free one\n`,
  })
})

test('a taken worker port is one line that says what to set, and exit code 1', async (t) => {
  const { server, port } = await occupied()
  t.after(() => server.close())
  const [gatewayPort, ...others] = await freePorts(3)
  const { exited, output } = dev(t, { PORT: String(gatewayPort), WORKER_PORTS: [...others, port].join(',') })
  assert.deepEqual(await exited, [1, null])
  assert.equal(output.out, '')
  assert.equal(
    output.err,
    `dev: worker port ${port} is taken: set WORKER_PORTS to free ports, like 4001,4002,4003\n`,
  )
})

for (const [env, line] of [
  [{ PORT: 'abc' }, 'PORT is "abc": set it to a port from 1 to 65535'],
  [{ PORT: '0' }, 'PORT is "0": set it to a port from 1 to 65535'],
  [{ PORT: '65536' }, 'PORT is "65536": set it to a port from 1 to 65535'],
  [
    { WORKER_PORTS: '4001,,4002' },
    'WORKER_PORTS is "4001,,4002": set it to ports from 1 to 65535, like 4001,4002,4003',
  ],
  [{ WORKER_PORTS: '4001,4001' }, 'WORKER_PORTS is "4001,4001": set it to ports that differ, one a worker'],
  [
    { PORT: '4001', WORKER_PORTS: '4001' },
    "PORT is 4001, which is a worker's port: set PORT or WORKER_PORTS to another",
  ],
] as const) {
  test(`${JSON.stringify(env)} is one line that says what to set, and exit code 1`, async (t) => {
    const { exited, output } = dev(t, env)
    assert.deepEqual(await exited, [1, null])
    assert.deepEqual(output, { out: '', err: `dev: ${line}\n` })
  })
}

test('a taken default port moves the gateway to the next free one, past the workers', async (t) => {
  const [port = 0, workerPort = 0, next] = await freePorts(3)
  const { server } = await occupied(port)
  t.after(() => server.close())
  const found = await findPorts({ gatewayPort: { value: port, given: false }, workerPorts: [workerPort] })
  assert.equal(found.gatewayPort, next)
  assert.equal(found.moved, `port ${port} is taken: the gateway takes ${found.gatewayPort}`)
})

test('a saved source restarts what runs it, and only that, every time', async (t) => {
  const { worker, gateway, count, seen } = await standIns(t, serving('old'), serving('gateway up'))
  await seen(/: old/, 2)
  await seen(/gateway up/)
  for (const text of ['first', 'second', 'third']) {
    worker.save('main.ts', serving(text))
    await seen(new RegExp(`: ${text}$`), 2)
  }
  gateway.save('other.ts', '')
  await seen(/gateway up/, 2)
  assert.equal(count(/^worker \d+: starts/), 8)
  assert.equal(count(/^gateway: starts/), 2)
})

test('a saved test restarts nothing', async (t) => {
  const { worker, count, seen } = await standIns(t, serving('up'), serving('gateway up'))
  await seen(/gateway up/)
  worker.save('main.test.ts', '')
  worker.save('seen.ts', '') // comes after it, so a restart for the test would have been seen before
  await seen(/: up/, 4)
  assert.equal(count(/main\.test\.ts/), 0)
  assert.equal(count(/changed: restarting/), 1)
})

test('what crashes stays down until its source changes', async (t) => {
  const { worker, gateway, count, seen } = await standIns(t, serving('up'), `throw new Error('broken')`)
  await seen(/gateway is down \(exit code 1\)/)
  worker.save('main.ts', serving('new'))
  await seen(/: new/, 2)
  assert.equal(count(/^gateway: starts/), 1)
  gateway.save('main.ts', serving('gateway up'))
  await seen(/gateway up/)
})

test('what does not end when asked to is killed', async (t) => {
  const deaf = `process.on('SIGTERM', () => {}); ${serving('up')}`
  const { cluster, count, seen } = await standIns(t, deaf, serving('gateway up'))
  await seen(/gateway up/)
  await cluster.stop()
  assert.equal(count(/still there after 2 s: killed/), 2)
})
