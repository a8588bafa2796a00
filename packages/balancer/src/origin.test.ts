import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { originOf, parseOrigin } from './origin.ts'
import { Worker } from './worker.ts'

suite('an origin for TCP', () => {
  for (const [spec, url, hostname, port] of [
    ['tcp://redis.internal:6379', 'tcp://redis.internal:6379', 'redis.internal', 6379],
    ['tls://redis.internal:6380', 'tls://redis.internal:6380', 'redis.internal', 6380],
    ['tcp://192.0.2.1:6379', 'tcp://192.0.2.1:6379', '192.0.2.1', 6379],
    ['tcp://[::1]:6379', 'tcp://[::1]:6379', '::1', 6379],
    ['tcp://[2001:DB8::0:1]:6379', 'tcp://[2001:db8::1]:6379', '2001:db8::1', 6379],
    ['tcp://Redis.Internal:6379/', 'tcp://redis.internal:6379', 'redis.internal', 6379],
    ['TCP://redis:80', 'tcp://redis:80', 'redis', 80],
    ['tls://redis:443', 'tls://redis:443', 'redis', 443],
    ['tcp://bücher.test:1', 'tcp://xn--bcher-kva.test:1', 'xn--bcher-kva.test', 1],
  ] as const)
    test(`${spec} is ${url}`, () => {
      const worker = new Worker(spec, 0, 'o')
      assert.equal(originOf(worker.url), url)
      assert.equal(worker.url.href, url)
      assert.deepEqual([worker.hostname, worker.port, worker.isTcp], [hostname, port, true])
      assert.equal(worker.isSecure, url.startsWith('tls:'))
      assert.equal(worker.id, url.slice('tcp://'.length))
    })

  test('may be a URL', () => {
    assert.equal(parseOrigin(new URL('tcp://redis:6379'), 'o').href, 'tcp://redis:6379')
  })
})

suite('what is no origin for TCP is an error that names the option, the value and the mend:', () => {
  for (const [spec, reason] of [
    ['tcp://redis', '"tcp://redis" names no port; write it as "tcp://redis:port"'],
    ['tls://[::1]', '"tls://[::1]" names no port; write it as "tls://[::1]:port"'],
    ['tcp://redis:', '"tcp://redis:" names no port; write it as "tcp://redis:port"'],
    ['tcp://redis:0', '"tcp://redis:0" names port 0, where nobody can be reached; use 1 to 65535'],
    ['tcp://redis:65536', '"tcp://redis:65536" is not a URL; write it as "http://host:port"'],
    ['tcp://redis:6379/0', '"tcp://redis:6379/0" is more than an origin; write it as "tcp://redis:6379"'],
    ['tcp://redis:1//', '"tcp://redis:1//" is more than an origin; write it as "tcp://redis:1"'],
    ['tcp://redis:1?x', '"tcp://redis:1?x" is more than an origin; write it as "tcp://redis:1"'],
    ['tcp://redis:1#x', '"tcp://redis:1#x" is more than an origin; write it as "tcp://redis:1"'],
    ['tls://me:pw@[::1]:1', '"tls://me:pw@[::1]:1" is more than an origin; write it as "tls://[::1]:1"'],
    ['tcp:redis:6379', '"tcp:redis:6379" names no host; write it as "tcp://host:port"'],
    ['tcp:///6379', '"tcp:///6379" names no host; write it as "tcp://host:port"'],
    ['tcp://', '"tcp://" names no host; write it as "tcp://host:port"'],
    ['tcp://256.0.0.1:1', '"tcp://256.0.0.1:1" names no host; write it as "tcp://host:port"'],
    [
      'redis://redis:6379',
      '"redis://redis:6379" has the unsupported protocol "redis:"; use "http://host:port", "https://host:port", "tcp://host:port" or "tls://host:port"',
    ],
  ] as const)
    test(reason, () => {
      assert.throws(() => parseOrigin(spec, 'o'), { name: 'OptionError', message: `o: ${reason}` })
    })
})
