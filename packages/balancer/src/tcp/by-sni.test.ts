import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { suite, test } from 'node:test'
import { helloOf } from '../../test/support/client-hellos.ts'
import { rawClient } from '../../test/support/raw-client.ts'
import { named, sniStage, taking } from '../../test/support/sni-stage.ts'
import { until } from '../../test/support/until.ts'
import { OptionError } from '../errors.ts'
import { bySni } from './by-sni.ts'

const nobody = (): void => {}

suite('bySni', () => {
  test('takes a name in full before a wildcard, which stands for one label', async (t) => {
    const { port, refused } = await sniStage(t, {
      'a.example': named('a'),
      'x.B.example': named('x'),
      '*.b.example': named('*'),
      localhost: named('local'),
    })
    const answer = async (name: string): Promise<string> =>
      (await rawClient(t, port, helloOf({ name }))).rest()
    assert.equal(await answer('a.example'), 'a')
    assert.equal(await answer('A.EXAMPLE'), 'a')
    assert.equal(await answer('a.example.'), 'a')
    assert.equal(await answer('x.b.example'), 'x')
    assert.equal(await answer('y.b.example'), '*')
    assert.equal(await answer('localhost'), 'local')
    assert.deepEqual(refused, [])

    const unknown = [
      'b.example',
      'z.y.b.example',
      '.b.example',
      '.',
      '127.0.0.1',
      '::1',
      '__proto__',
      'example',
    ]
    for (const name of unknown) assert.equal(await answer(name), '\x15\x03\x01\0\x02\x02\x70', name)
    assert.deepEqual(
      refused,
      unknown.map(() => 'no-route'),
    )
  })

  test('has a fallback for other names and for none', async (t) => {
    const { hellos, take } = taking()
    const { port, refused } = await sniStage(t, { 'a.example': nobody }, { fallback: take })
    await rawClient(t, port, helloOf({ name: 'b.example', protocols: ['h2'] }))
    await until('the first', () => hellos.length === 1)
    await rawClient(t, port, helloOf())
    await until('the second', () => hellos.length === 2)
    assert.deepEqual(hellos, [
      { serverName: 'b.example', protocols: ['h2'] },
      { serverName: undefined, protocols: [] },
    ])
    assert.deepEqual(refused, [])
  })

  test('hands over a connection as it came: its bytes unread, with no listener and no timer', async (t) => {
    const { promise, resolve } = Promise.withResolvers<Socket>()
    const { port, sockets, refused } = await sniStage(t, { 'a.example': resolve }, { timeout: 50 })
    const hello = helloOf({ name: 'a.example' })
    const client = await rawClient(t, port, hello.subarray(0, 20))
    await until('it came', () => sockets.length === 1)
    client.send(Buffer.concat([hello.subarray(20), Buffer.from('more')]))
    const socket = await promise
    const counts = (one: Socket): Record<string, number> =>
      Object.fromEntries(one.eventNames().map((name) => [String(name), one.listenerCount(name)]))
    assert.deepEqual(counts(socket), { end: 1, close: 1, error: 1 }) // Node's own 'end', and what `listen` of the tests has
    await new Promise((resolve) => setImmediate(resolve))
    assert.equal(socket.readableFlowing, null)
    assert.equal(socket.bytesRead, hello.length + 4)
    await rawClient(t, port)
    await until('the time of one that came later is over', () => refused.length === 1)
    assert.ok(!socket.destroyed)
    const [bytes] = (await once(socket, 'data')) as [Buffer]
    assert.ok(bytes.equals(Buffer.concat([hello, Buffer.from('more')])))
  })

  test('takes names of hosts and handlers alone', () => {
    const bad = [
      '',
      '.',
      'a.example.',
      '*',
      '*.',
      'a.*.example',
      '*a.example',
      'a..b',
      '127.0.0.1',
      '::1',
      'a b',
      'bücher.example',
      `${'a'.repeat(64)}.b`,
    ]
    for (const name of bad)
      assert.throws(
        () => bySni({ [name]: nobody }),
        (error: OptionError) => error instanceof OptionError && error.option === 'routes',
        name,
      )
    const message = (make: () => unknown): string => {
      try {
        make()
      } catch (error) {
        return (error as Error).message
      }
      return 'nothing was thrown'
    }
    assert.equal(
      message(() => bySni({ '127.0.0.1': nobody })),
      'routes: "127.0.0.1" is no name of a host; write it as "a.example" or "*.a.example"',
    )
    assert.equal(
      message(() => bySni({ 'a.example': nobody, 'A.example': nobody })),
      'routes: "A.example" is there already; names know no case',
    )
    assert.equal(
      message(() => bySni({})),
      'routes: {} leads nowhere; name a host, or give a fallback',
    )
    assert.equal(
      message(() => bySni({ 'a.example': 1 as never })),
      'routes["a.example"]: 1 is no function; give balanceTcp(pool), or one that takes a socket',
    )
    assert.match(
      message(() => bySni({}, { fallback: 1 as never })),
      /^fallback: 1 is no function/,
    )
    assert.match(
      message(() => bySni({}, { fallback: nobody, timeout: 0 })),
      /^timeout: 0 is not a duration/,
    )
    assert.match(
      message(() => bySni({}, { fallback: nobody, onRefused: 1 as never })),
      /^onRefused: 1 is no function/,
    )
    bySni({}, { fallback: nobody })
    bySni({ '_srv.a.example': nobody, 'xn--bcher-kva.example': nobody, '*.example': nobody })
  })
})
