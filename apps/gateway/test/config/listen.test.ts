import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { networkInterfaces } from 'node:os'
import { test } from 'node:test'
import { covers } from './covers.ts'
import { ask, start } from './running.ts'

const ANSWERS = { routes: [{ answer: { status: 200, body: 'here' } }] }

const hasIPv6 = Object.values(networkInterfaces()).some((all) =>
  all?.some(({ address }) => address === '::1'),
)

async function freePort(): Promise<number> {
  const server = createServer().listen(0)
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

test('a port alone listens on every address', async (t) => {
  covers('listen')
  const port = await freePort()
  await start(t, { ...ANSWERS, listen: port })
  assert.equal((await ask(`http://127.0.0.1:${port}/`)).body, 'here')
  if (hasIPv6) assert.equal((await ask(`http://[::1]:${port}/`)).body, 'here')
})

test('host:port listens on that address alone', async (t) => {
  covers('listen')
  const port = await freePort()
  await start(t, { ...ANSWERS, listen: `127.0.0.1:${port}` })
  assert.equal((await ask(`http://127.0.0.1:${port}/`)).body, 'here')
  await assert.rejects(ask(`http://127.0.0.2:${port}/`), /ECONNREFUSED/)
})

test('[::1]:port listens on IPv6', { skip: hasIPv6 ? false : 'there is no ::1 here' }, async (t) => {
  covers('listen')
  const port = await freePort()
  await start(t, { ...ANSWERS, listen: `[::1]:${port}` })
  assert.equal((await ask(`http://[::1]:${port}/`)).body, 'here')
  await assert.rejects(ask(`http://127.0.0.1:${port}/`), /ECONNREFUSED/)
})

test('a list listens on all of it, with or without a host', async (t) => {
  covers('listen[]')
  const ports = [await freePort(), await freePort()]
  await start(t, { ...ANSWERS, listen: [`127.0.0.1:${ports[0]}`, ports[1]] })
  for (const port of ports) assert.equal((await ask(`http://127.0.0.1:${port}/`)).body, 'here')
})
